// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "collect/recording.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define META_NAME "whydrop-recording.json"

struct entry {
	char *name;
	int err;
	struct buf data;
};

struct recording {
	pthread_mutex_t lock;
	VEC(struct entry) entries;
	size_t *index; /* open addressing by name; slot holds position + 1 */
	size_t slots;
	json_t *meta;
	bool sealed;
};

struct recording *recording_new(void)
{
	struct recording *r = xcalloc(1, sizeof(*r));

	pthread_mutex_init(&r->lock, NULL);
	r->meta = json_object();
	json_object_set_new(r->meta, "schema", json_string(RECORDING_SCHEMA));
	return r;
}

void recording_free(struct recording *r)
{
	if (!r)
		return;
	vec_each(e, &r->entries) {
		free(e->name);
		buf_done(&e->data);
	}
	vec_done(&r->entries);
	free(r->index);
	json_decref(r->meta);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static size_t name_hash(const char *name)
{
	size_t h = 14695981039346656037ULL; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 1099511628211ULL;
	return h;
}

static size_t *slot_of(struct recording *r, const char *name)
{
	size_t at = name_hash(name) % r->slots;

	while (r->index[at] && strcmp(r->entries.items[r->index[at] - 1].name, name) != 0)
		at = (at + 1) % r->slots;
	return &r->index[at];
}

static void make_index(struct recording *r, size_t slots)
{
	free(r->index);
	r->slots = slots;
	r->index = xcalloc(slots, sizeof(*r->index));
	for (size_t i = 0; i < r->entries.n; i++)
		*slot_of(r, r->entries.items[i].name) = i + 1;
}

void recording_put(struct recording *r, const char *name, int err, const struct buf *data)
{
	size_t *slot;

	pthread_mutex_lock(&r->lock);
	if (r->sealed) {
		pthread_mutex_unlock(&r->lock);
		return;
	}
	if (r->entries.n * 2 >= r->slots)
		make_index(r, r->slots ? r->slots * 2 : 256);
	slot = slot_of(r, name);
	if (!*slot) {
		struct entry *e = vec_push(&r->entries);

		e->name = xstrdup(name);
		e->err = err;
		if (data && data->len)
			buf_add(&e->data, data->data, data->len);
		*slot = r->entries.n;
	}
	pthread_mutex_unlock(&r->lock);
}

void recording_seal(struct recording *r)
{
	pthread_mutex_lock(&r->lock);
	r->sealed = true;
	pthread_mutex_unlock(&r->lock);
}

int recording_get(struct recording *r, const char *name, struct buf *ret)
{
	size_t *slot;
	int err = -ENODATA;

	pthread_mutex_lock(&r->lock);
	slot = r->slots ? slot_of(r, name) : NULL;
	if (slot && *slot) {
		const struct entry *e = &r->entries.items[*slot - 1];

		err = e->err;
		if (ret)
			buf_add(ret, e->data.data, e->data.len);
	}
	pthread_mutex_unlock(&r->lock);
	return err;
}

void recording_each(struct recording *r,
		    void (*fn)(const char *name, struct buf *data, void *arg), void *arg)
{
	vec_each(e, &r->entries)
		fn(e->name, &e->data, arg);
}

void recording_rewrite(struct recording *r,
		       bool (*fn)(char **name, int err, struct buf *data, void *arg), void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->entries.n; i++) {
		struct entry e = r->entries.items[i];

		if (fn(&e.name, e.err, &e.data, arg)) {
			r->entries.items[kept++] = e;
			continue;
		}
		free(e.name);
		buf_done(&e.data);
	}
	r->entries.n = kept;
	if (r->slots)
		make_index(r, r->slots);
}

json_t *recording_meta(struct recording *r)
{
	return r->meta;
}

/* The description as text, with the reads that failed; the caller frees it. */
static char *meta_text(const struct recording *r)
{
	json_t *whole = json_copy(r->meta), *errors = json_object();
	char *text;

	vec_each(e, &r->entries)
		if (e->err)
			json_object_set_new(errors, e->name, json_string(errno_name(e->err)));
	json_object_set_new(whole, "failed", errors);
	text = json_dumps(whole, JSON_INDENT(1));
	json_decref(whole);
	return text;
}

static int make_parents(int dir, const char *name)
{
	char path[512];

	if (strlen(name) >= sizeof(path))
		return -ENAMETOOLONG;
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		memcpy(path, name, (size_t)(slash - name));
		path[slash - name] = '\0';
		if (mkdirat(dir, path, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int write_file(int dir, const char *name, const void *data, size_t len)
{
	int r = make_parents(dir, name);
	cleanup(cleanup_fd) int fd = -1;

	if (r < 0)
		return r;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	for (size_t at = 0; at < len;) {
		ssize_t n = write(fd, (const char *)data + at, len - at);

		if (n < 0)
			return -errno;
		at += (size_t)n;
	}
	return 0;
}

static bool folder_is_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	bool empty = true;

	while (dir && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			empty = false;
	if (dir)
		closedir(dir);
	return empty;
}

static int save_folder(const struct recording *r, const char *path, const char *meta)
{
	cleanup(cleanup_fd) int dir = -1;
	int err = 0;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (!folder_is_empty(path))
		return -EEXIST;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	vec_each(e, &r->entries) {
		if (!e->err)
			err = write_file(dir, e->name, e->data.data, e->data.len);
		if (err < 0)
			return err;
	}
	/* Last, so that a folder without it is seen to be cut short. */
	return write_file(dir, META_NAME, meta, strlen(meta));
}

static int tar_file(struct archive *tar, const char *name, const void *data, size_t len)
{
	struct archive_entry *entry = archive_entry_new();
	int r = 0;

	archive_entry_set_pathname(entry, name);
	archive_entry_set_size(entry, (la_int64_t)len);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	if (archive_write_header(tar, entry) != ARCHIVE_OK ||
	    archive_write_data(tar, data, len) != (la_ssize_t)len)
		r = -(archive_errno(tar) > 0 ? archive_errno(tar) : EIO);
	archive_entry_free(entry);
	return r;
}

static int save_stream(const struct recording *r, const char *meta)
{
	struct archive *tar = archive_write_new();
	int err = 0;

	archive_write_set_format_pax_restricted(tar);
	if (archive_write_open_fd(tar, STDOUT_FILENO) != ARCHIVE_OK)
		err = -EIO;
	vec_each(e, &r->entries)
		if (!err && !e->err)
			err = tar_file(tar, e->name, e->data.data, e->data.len);
	if (!err)
		err = tar_file(tar, META_NAME, meta, strlen(meta));
	if (archive_write_close(tar) != ARCHIVE_OK && !err)
		err = -EIO;
	archive_write_free(tar);
	return err;
}

int recording_save(struct recording *r, const char *path)
{
	char *meta = meta_text(r);
	int err;

	err = strcmp(path, "-") == 0 ? save_stream(r, meta) : save_folder(r, path, meta);
	free(meta);
	return err;
}

/* The description ends the recording: it names the failed reads and its own schema. */
static int take_meta(struct recording *r, const struct buf *text)
{
	json_t *meta = json_loadb(text->data ? text->data : "", text->len, 0, NULL);
	const char *schema = json_string_value(json_object_get(meta, "schema"));
	const char *name;
	json_t *value;

	if (!schema || strcmp(schema, RECORDING_SCHEMA) != 0) {
		json_decref(meta);
		return -EBADMSG;
	}
	json_object_foreach(json_object_get(meta, "failed"), name, value)
	{
		int err = errno_from_name(json_string_value(value) ?: "");

		recording_put(r, name, err ? -err : -EIO, NULL);
	}
	json_object_del(meta, "failed");
	json_decref(r->meta);
	r->meta = meta;
	return 0;
}

/* One file of a recording being loaded; *total guards against endless ones. */
static int take_file(struct recording *r, const char *name, const struct buf *data, size_t *total,
		     bool *complete)
{
	int err;

	*total += data->len;
	if (*total > RECORDING_MAX)
		return -EFBIG;
	if (strcmp(name, META_NAME) != 0) {
		recording_put(r, name, 0, data);
		return 0;
	}
	err = take_meta(r, data);
	*complete = err == 0;
	return err;
}

static int load_folder(struct recording *r, const char *path, bool *complete)
{
	char *roots[] = {strdupa(path), NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	size_t total = 0;
	const FTSENT *e;
	int err = 0;

	if (!walk)
		return -errno;
	while (!err && (e = fts_read(walk))) {
		cleanup(cleanup_fd) int fd = -1;
		cleanup(buf_done) struct buf data = {0};

		if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR)
			err = -e->fts_errno;
		if (e->fts_info != FTS_F)
			continue;
		fd = open(e->fts_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		err = fd < 0 ? -errno : buf_read_fd(&data, fd, RECORDING_MAX);
		if (!err)
			err = take_file(r, e->fts_path + strlen(path) + 1, &data, &total, complete);
	}
	fts_close(walk);
	return err;
}

static int read_entry(struct archive *tar, struct buf *data)
{
	for (;;) {
		la_ssize_t n = archive_read_data(tar, buf_room(data, 65536), 65536);

		if (n < 0)
			return -EBADMSG;
		if (n == 0)
			return 0;
		buf_added(data, (size_t)n);
		if (data->len > RECORDING_MAX)
			return -EFBIG;
	}
}

static int load_tar(struct recording *r, const char *path, bool *complete)
{
	struct archive *tar = archive_read_new();
	struct archive_entry *entry;
	size_t total = 0;
	int err = 0, status;

	archive_read_support_format_tar(tar);
	archive_read_support_filter_gzip(tar);
	archive_read_support_filter_zstd(tar);
	status = strcmp(path, "-") == 0 ? archive_read_open_fd(tar, STDIN_FILENO, 65536)
					: archive_read_open_filename(tar, path, 65536);
	if (status != ARCHIVE_OK) {
		/* libarchive's own code for "none of my formats" is EILSEQ. */
		err = archive_errno(tar) == EACCES ? -EACCES : -EBADMSG;
		archive_read_free(tar);
		return err;
	}
	while (!err && (status = archive_read_next_header(tar, &entry)) == ARCHIVE_OK) {
		cleanup(buf_done) struct buf data = {0};
		const char *name = archive_entry_pathname(entry);

		if (!name || archive_entry_filetype(entry) != AE_IFREG)
			continue;
		err = read_entry(tar, &data);
		if (!err)
			err = take_file(r, strncmp(name, "./", 2) == 0 ? name + 2 : name, &data,
					&total, complete);
	}
	if (!err && status != ARCHIVE_EOF)
		err = -EBADMSG;
	archive_read_free(tar);
	return err;
}

int recording_load(const char *path, struct recording **ret)
{
	struct recording *r = recording_new();
	bool complete = false;
	struct stat st;
	int err;

	if (strcmp(path, "-") != 0 && stat(path, &st) < 0)
		err = -errno;
	else if (strcmp(path, "-") != 0 && S_ISDIR(st.st_mode))
		err = load_folder(r, path, &complete);
	else if (strcmp(path, "-") != 0 && S_ISREG(st.st_mode) && st.st_size == 0)
		err = -ENODATA;
	else
		err = load_tar(r, path, &complete);
	if (!err && !complete)
		err = -ENODATA;
	if (err) {
		recording_free(r);
		return err;
	}
	*ret = r;
	return 0;
}
