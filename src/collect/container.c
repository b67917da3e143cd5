// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Containers are no thing of the kernel's: the path in /proc/PID/cgroup (kernel/cgroup/cgroup.c
 * proc_cgroup_show) is the engine's choice, and so is what tells their names.
 *
 *   /docker/ID, docker-ID.scope             Docker: /var/lib/docker/containers/ID/config.v2.json
 *   kubepods.../podUID/ID,                  containerd: config.json of the bundle below
 *     cri-containerd-ID.scope               /run/containerd/io.containerd.runtime.v2.task/k8s.io
 *   crio-ID.scope                           CRI-O: config.json below /run/containers/storage
 *   libpod-ID.scope                         Podman: containers.json below /var/lib/containers
 *   lxc.payload.NAME, lxc/NAME              LXC, Incus
 *   machine-NAME.scope, systemd-nspawn@NAME.service   systemd-nspawn
 *
 * Privilege: root's own files. Those of rootless engines are not looked for. The files hold the
 * environment of the programs, passwords too: only the names ever leave here, and only names are
 * recorded.
 */
#include "collect/container.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_MAX ((size_t)4 << 20)

/* ---- the path ---- */

static bool starts(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.n > n && memcmp(s.p, with, n) == 0;
}

static struct span behind(struct span s, const char *prefix)
{
	size_t n = strlen(prefix);

	return (struct span){s.p + n, s.n - n};
}

/* Cuts an ending off; false if it is not there. */
static bool cut(struct span *s, const char *ending)
{
	size_t n = strlen(ending);

	if (s->n <= n || memcmp(s->p + s->n - n, ending, n) != 0)
		return false;
	s->n -= n;
	return true;
}

static bool is_id(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isdigit((unsigned char)s.p[i]) && (s.p[i] < 'a' || s.p[i] > 'f'))
			return false;
	return s.n == CONTAINER_ID;
}

static void take(struct container *c, const char *engine, struct span id)
{
	snprintf(c->engine, sizeof(c->engine), "%s", engine);
	span_copy(id, c->id, sizeof(c->id));
}

/* systemd escapes what a unit's name cannot hold, the dash too: "web\x2d1". */
static void take_escaped(struct container *c, const char *engine, struct span name)
{
	char text[sizeof(c->id)];
	size_t n = 0;

	for (size_t i = 0; i < name.n && n + 1 < sizeof(text); i++) {
		uint64_t byte;

		if (name.n - i > 3 && name.p[i] == '\\' && name.p[i + 1] == 'x' &&
		    parse_hex64((struct span){name.p + i + 2, 2}, 0x7e, &byte) == 0 && byte > ' ') {
			text[n++] = (char)byte;
			i += 3;
		} else {
			text[n++] = name.p[i];
		}
	}
	take(c, engine, (struct span){text, n});
}

/* "podUID", "kubepods-burstable-podUID.slice": 36 characters, or the 32 of a static pod. */
static bool take_pod(struct span part, struct container *c)
{
	struct span uid;

	/* systemd takes a dash for a level: the uid has underscores there. */
	if (cut(&part, ".slice")) {
		while (next_split(&part, '-', &uid))
			;
		part = uid;
	}
	if (!starts(part, "pod"))
		return false;
	uid = behind(part, "pod");
	if (uid.n != 36 && uid.n != 32)
		return false;
	for (size_t i = 0; i < uid.n; i++)
		if (!isxdigit((unsigned char)uid.p[i]) && uid.p[i] != '-' && uid.p[i] != '_')
			return false;
	span_copy(uid, c->pod, sizeof(c->pod));
	for (char *p = c->pod; *p; p++)
		*p = *p == '_' ? '-' : *p;
	return true;
}

static bool take_scope(struct span part, struct container *c)
{
	static const struct {
		const char *prefix, *engine;
	} scopes[] = {
		{"docker-", "docker"},	    {"cri-containerd-", "containerd"},
		{"nerdctl-", "containerd"}, {"crio-", "cri-o"},
		{"libpod-", "podman"},
	};

	cut(&part, ".scope");
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		if (!starts(part, scopes[i].prefix) || !is_id(behind(part, scopes[i].prefix)))
			continue;
		take(c, scopes[i].engine, behind(part, scopes[i].prefix));
		return true;
	}
	return false;
}

/* Machines of systemd: virtual ones, and those that libvirt makes, are no containers of nspawn. */
static bool take_machine(struct span before, struct span part, struct container *c)
{
	if (span_is(before, "machine.slice") && starts(part, "machine-") && cut(&part, ".scope")) {
		struct span name = behind(part, "machine-");

		if (starts(name, "qemu\\x2d") || starts(name, "lxc\\x2d"))
			return false;
		take_escaped(c, "nspawn", name);
		return true;
	}
	if (starts(part, "systemd-nspawn@") && cut(&part, ".service")) {
		take_escaped(c, "nspawn", behind(part, "systemd-nspawn@"));
		return true;
	}
	return false;
}

static void take_part(struct span before, struct span part, struct container *c)
{
	if (take_pod(part, c)) {
		/* What was above it is the machine that Kubernetes runs in. */
		take(c, "unknown", (struct span){"", 0});
		return;
	}
	if (take_scope(part, c) || take_machine(before, part, c))
		return;
	if (is_id(part))
		take(c, span_is(before, "docker") ? "docker" : "unknown", part);
	else if (starts(part, "lxc.payload."))
		take(c, "lxc", behind(part, "lxc.payload."));
	else if ((span_is(before, "lxc") || span_is(before, "lxc.payload")) && part.n)
		take(c, "lxc", part);
}

bool container_of_path(struct span path, struct container *ret)
{
	struct span part, before = {"", 0};
	struct container c = {0};

	while (next_split(&path, '/', &part)) {
		take_part(before, part, &c);
		before = part;
	}
	if (!c.engine[0])
		return false;
	*ret = c;
	return true;
}

/* ---- the engines' files ---- */

/* Of letters that engines allow in names; anything else is not told. */
static void take_name(const char *name, char *to, size_t size)
{
	size_t n = name ? strlen(name) : 0;

	if (!n || n >= size)
		return;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i]))
			return;
	memcpy(to, name, n + 1);
}

static const char *text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void take_annotations(const json_t *oci, struct container *c)
{
	static const struct {
		const char *name, *pod, *namespace;
	} keys[] = {
		{"io.kubernetes.cri.container-name", "io.kubernetes.cri.sandbox-name",
		 "io.kubernetes.cri.sandbox-namespace"},
		{"io.kubernetes.container.name", "io.kubernetes.pod.name",
		 "io.kubernetes.pod.namespace"},
		{"nerdctl/name", "", ""},
	};
	const json_t *all = json_object_get(oci, "annotations");

	for (size_t i = 0; i < ARRAY_SIZE(keys) && !c->name[0]; i++) {
		take_name(text_at(all, keys[i].name), c->name, sizeof(c->name));
		take_name(text_at(all, keys[i].pod), c->pod_name, sizeof(c->pod_name));
		take_name(text_at(all, keys[i].namespace), c->pod_namespace,
			  sizeof(c->pod_namespace));
	}
}

int container_parse(enum container_file kind, const struct buf *text, struct container *c)
{
	json_t *json = json_loadb(text->data ? text->data : "", text->len, 0, NULL), *one;
	const char *name;
	size_t i;

	if (!json)
		return -EBADMSG;
	if (kind == CONTAINER_DOCKER) {
		name = text_at(json, "Name");
		take_name(name && *name == '/' ? name + 1 : name, c->name, sizeof(c->name));
	} else if (kind == CONTAINER_OCI) {
		take_annotations(json, c);
	} else {
		json_array_foreach(json, i, one) {
			const char *id = text_at(one, "id");

			if (!id || strcmp(id, c->id) != 0)
				continue;
			name = json_string_value(json_array_get(json_object_get(one, "names"), 0));
			take_name(name, c->name, sizeof(c->name));
		}
	}
	json_decref(json);
	return 0;
}

/* What is not there, or not for us to read, tells no name: that is no failure. */
static bool look_into(enum container_file kind, const char *path, struct container *c)
{
	cleanup(buf_done) struct buf text = {0};
	cleanup(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd >= 0 && buf_read_fd(&text, fd, FILE_MAX) == 0 &&
	       container_parse(kind, &text, c) == 0 && c->name[0];
}

/* An id whose engine is not known belongs to whoever has its file. */
static void find_names(struct container *c)
{
	static const struct {
		const char *engine, *before, *behind;
		enum container_file kind;
	} files[] = {
		{"docker", "/var/lib/docker/containers/", "/config.v2.json", CONTAINER_DOCKER},
		{"containerd", "/run/containerd/io.containerd.runtime.v2.task/k8s.io/",
		 "/config.json", CONTAINER_OCI},
		{"containerd", "/run/containerd/io.containerd.runtime.v2.task/default/",
		 "/config.json", CONTAINER_OCI},
		{"containerd", "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/",
		 "/config.json", CONTAINER_OCI},
		{"cri-o", "/run/containers/storage/overlay-containers/", "/userdata/config.json",
		 CONTAINER_OCI},
		{"podman", "/var/lib/containers/storage/overlay-containers/containers.json", NULL,
		 CONTAINER_STORAGE},
	};
	bool known = strcmp(c->engine, "unknown") != 0;
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(files) && strlen(c->id) == CONTAINER_ID; i++) {
		if (known && strcmp(c->engine, files[i].engine) != 0)
			continue;
		snprintf(path, sizeof(path), "%s%s%s", files[i].before,
			 files[i].behind ? c->id : "", files[i].behind ? files[i].behind : "");
		if (!look_into(files[i].kind, path, c))
			continue;
		snprintf(c->engine, sizeof(c->engine), "%s", files[i].engine);
		return;
	}
}

/* ---- as it is recorded: "name web", one a line ---- */

static void write_names(const struct container *c, struct buf *to)
{
	buf_printf(to, "engine %s\n", c->engine);
	if (c->name[0])
		buf_printf(to, "name %s\n", c->name);
	if (c->pod_name[0])
		buf_printf(to, "pod %s\n", c->pod_name);
	if (c->pod_namespace[0])
		buf_printf(to, "namespace %s\n", c->pod_namespace);
}

static void read_names(const struct buf *text, struct container *c)
{
	const struct {
		const char *key;
		char *to;
		size_t size;
	} keys[] = {
		{"engine", c->engine, sizeof(c->engine)},
		{"name", c->name, sizeof(c->name)},
		{"pod", c->pod_name, sizeof(c->pod_name)},
		{"namespace", c->pod_namespace, sizeof(c->pod_namespace)},
	};
	struct span rest = {text->data, text->len}, line, key, word;

	while (next_line(&rest, &line)) {
		char value[128];

		if (!next_field(&line, &key) || !next_field(&line, &word) || word.n >= sizeof(value))
			continue;
		span_copy(word, value, sizeof(value));
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			if (span_is(key, keys[i].key))
				take_name(value, keys[i].to, keys[i].size);
	}
}

void container_names(struct host *h, const struct snapshot *s, struct container *c)
{
	cleanup(buf_done) struct buf text = {0};
	char name[96];

	vec_each(known, &s->processes) {
		if (!c->id[0] || strcmp(known->container.id, c->id) != 0)
			continue;
		*c = known->container;
		return;
	}
	/* The id of lxc and nspawn is the name. */
	if (strlen(c->id) != CONTAINER_ID) {
		take_name(c->id, c->name, sizeof(c->name));
		return;
	}
	if (!h->replay) {
		find_names(c);
		write_names(c, &text);
	}
	snprintf(name, sizeof(name), "container-%s", c->id);
	if (host_keep(h, name, 0, &text) == 0)
		read_names(&text, c);
}
