// SPDX-License-Identifier: GPL-2.0-or-later
/* Which container a process lives in: paths as each engine makes them, and the engines' files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>

#include "collect/container.h"
#include "collect/process.h"
#include "collect/recording.h"
#include "scrub/map.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define UID "8d3cdb1f-3a0e-4d5e-9b43-5a2b3c4d5e6f"
#define UID_ "8d3cdb1f_3a0e_4d5e_9b43_5a2b3c4d5e6f"

static const struct {
	const char *path, *engine, *id, *pod;
} paths[] = {
	{"/docker/" ID, "docker", ID, ""},
	{"/system.slice/docker-" ID ".scope", "docker", ID, ""},
	{"/system.slice/docker-" ID ".scope/init", "docker", ID, ""},
	{"/" ID, "unknown", ID, ""},
	{"/kubepods/burstable/pod" UID "/" ID, "unknown", ID, UID},
	{"/kubepods/pod" UID, "unknown", "", UID},
	{"/kubepods.slice/kubepods-pod" UID_ ".slice/docker-" ID ".scope", "docker", ID, UID},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
	 ".slice/cri-containerd-" ID ".scope",
	 "containerd", ID, UID},
	{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_ ".slice/crio-" ID
	 ".scope",
	 "cri-o", ID, UID},
	{"/machine.slice/libpod-" ID ".scope/container", "podman", ID, ""},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope", "podman", ID,
	 ""},
	{"/lxc.payload.web-1", "lxc", "web-1", ""},
	{"/lxc/web-1/system.slice", "lxc", "web-1", ""},
	{"/machine.slice/machine-web\\x2d1.scope/payload", "nspawn", "web-1", ""},
	{"/machine.slice/systemd-nspawn@web.service/payload", "nspawn", "web", ""},
	/* Kubernetes in Docker: the innermost is where the process lives. */
	{"/docker/" OTHER "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_
	 ".slice/cri-containerd-" ID ".scope",
	 "containerd", ID, UID},
};

static const char *const none[] = {
	"/", "", "/system.slice/dnsdist.service", "/user.slice/user-1000.slice/session-3.scope",
	"/docker", "/docker/short", "/docker/" ID "0",
	"/machine.slice/libpod-conmon-" ID ".scope", /* podman's own monitor */
	"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", "/lxc/", "/kubepods/podless",
	"/system.slice/docker.service",
};

static void paths_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct container c = {0};

		if (!container_of_path(span_of(paths[i].path), &c))
			fail_msg("no container in %s", paths[i].path);
		assert_string_equal(c.engine, paths[i].engine);
		assert_string_equal(c.id, paths[i].id);
		assert_string_equal(c.pod, paths[i].pod);
	}
}

static void others_are_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		struct container c = {.name = "kept"};

		if (container_of_path(span_of(none[i]), &c))
			fail_msg("%s of %s in %s", c.id, c.engine, none[i]);
		assert_string_equal(c.name, "kept");
	}
}

static int parse(enum container_file kind, const char *text, struct container *c)
{
	struct buf json = {.data = (char *)(uintptr_t)text, .len = strlen(text)};

	return container_parse(kind, &json, c);
}

static void files_tell_names(void **state)
{
	struct container docker = {.id = ID}, podman = {.id = ID}, pod = {.id = ID}, crio = {.id = ID};

	(void)state;
	assert_int_equal(parse(CONTAINER_DOCKER,
			       "{\"ID\": \"" ID "\", \"Name\": \"/web_1\", \"Config\": "
			       "{\"Env\": [\"PASSWORD=secret\"]}}",
			       &docker),
			 0);
	assert_string_equal(docker.name, "web_1");
	assert_int_equal(parse(CONTAINER_STORAGE,
			       "[{\"id\": \"" OTHER "\", \"names\": [\"other\"]}, {\"id\": \"" ID
			       "\", \"names\": [\"dns\", \"second\"]}]",
			       &podman),
			 0);
	assert_string_equal(podman.name, "dns");
	assert_int_equal(parse(CONTAINER_OCI,
			       "{\"annotations\": {\"io.kubernetes.cri.container-name\": \"app\", "
			       "\"io.kubernetes.cri.sandbox-name\": \"shop-7c9\", "
			       "\"io.kubernetes.cri.sandbox-namespace\": \"prod\"}}",
			       &pod),
			 0);
	assert_string_equal(pod.name, "app");
	assert_string_equal(pod.pod_name, "shop-7c9");
	assert_string_equal(pod.pod_namespace, "prod");
	assert_int_equal(parse(CONTAINER_OCI,
			       "{\"annotations\": {\"io.kubernetes.container.name\": \"app\", "
			       "\"io.kubernetes.pod.name\": \"shop\"}}",
			       &crio),
			 0);
	assert_string_equal(crio.pod_name, "shop");
}

static void other_files_tell_nothing(void **state)
{
	static const char *const bad[] = {"", "{", "\"x\"", "[1, {}]", "{\"Name\": 5}",
					  "{\"Name\": \"/two words\"}", "{\"Name\": \"/\"}",
					  "{\"annotations\": []}", "{\"Name\": \"a\\nengine x\"}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		for (int kind = CONTAINER_DOCKER; kind <= CONTAINER_STORAGE; kind++) {
			struct container c = {.id = ID};
			int r = parse((enum container_file)kind, bad[i], &c);

			assert_true(r == 0 || r == -EBADMSG);
			assert_string_equal(c.name, "");
			assert_string_equal(c.pod_name, "");
		}
}

static void say(struct recording *r, const char *name, const char *text)
{
	struct buf data = {.data = (char *)(uintptr_t)text, .len = strlen(text)};
	char full[256];

	snprintf(full, sizeof(full), "1/b/%s", name);
	recording_put(r, full, 0, &data);
}

/* fs/proc/array.c do_task_stat of 6.1; kernel/cgroup/cgroup.c proc_cgroup_show */
static void owners_in_containers_are_replayed(void **state)
{
	struct recording *r = recording_new();
	struct netns ns = {.inode = 1, .fd = -1};
	struct host h = {.ns = &ns, .phase = "b", .recording = r, .replay = true};
	cleanup(snapshot_done) struct snapshot s = {0};
	struct socket *sk = vec_push(&s.sockets);

	(void)state;
	*sk = (struct socket){.inode = 11, .protocol = IPPROTO_UDP, .rcvbuf = 1000, .rmem = 900};
	say(r, "made/owners", "11 20\n11 21\n");
	say(r, "proc/20/stat", "20 (dns) S 1 1 1 0 -1 4 1 2 3 4 5 6 0 0 20 0 1 0 1\n");
	/* The hierarchies that are looked into say nothing of it, another one does. */
	say(r, "proc/20/cgroup", "4:memory:/docker/" ID "\n0::/\n");
	say(r, "made/container-" ID, "engine docker\nname web\nbad\nother x\n");
	say(r, "proc/21/stat", "21 (sh) S 1 1 1 0 -1 4 1 2 3 4 5 6 0 0 20 0 1 0 1\n");
	say(r, "proc/21/cgroup", "0::/system.slice/dns.service\n");
	assert_int_equal(collect_process(&h, &s), 0);
	assert_int_equal(s.processes.n, 2);
	assert_string_equal(s.processes.items[0].container.engine, "docker");
	assert_string_equal(s.processes.items[0].container.id, ID);
	assert_string_equal(s.processes.items[0].container.name, "web");
	assert_string_equal(s.processes.items[1].container.engine, "");
	recording_free(r);
}

/* A scrubbed path still tells the engine, and the id in it is that of the names beside it. */
static void scrubbed_ids_stay_ids(void **state)
{
	struct siphash_key key = {1, 2};
	struct scrubber scrubber;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		cleanup(buf_done) struct buf path = {0}, id = {0};
		struct container c = {0};

		scrubber_init(&scrubber, &key);
		scrub_path(&scrubber, span_of(paths[i].path), &path);
		scrub_hex(&scrubber, span_of(paths[i].id), &id);
		scrubber_done(&scrubber);
		if (strstr(paths[i].path, "kubelet-"))
			continue; /* a name that kubelet was told */
		if (!container_of_path(span_of(path.data), &c))
			fail_msg("no container in %s, once %s", path.data, paths[i].path);
		assert_string_equal(c.engine, paths[i].engine);
		if (strcmp(paths[i].id, ID) == 0)
			assert_string_equal(c.id, id.data);
		assert_null(strstr(path.data, ID));
		assert_null(strstr(path.data, "web"));
		assert_null(strstr(path.data, "8d3cdb1f"));
		assert_int_equal(strlen(c.pod), strlen(paths[i].pod));
	}
}

static void scrubbed_names_are_substitutes(void **state)
{
	struct siphash_key key = {1, 2};
	struct scrubber scrubber;
	cleanup(buf_done) struct buf text = {0};

	(void)state;
	buf_puts(&text, "engine docker\nname web\nengine acme\nother acme\npod shop\n");
	scrubber_init(&scrubber, &key);
	assert_int_equal(scrub_container_names(&scrubber, &text), 0);
	scrubber_done(&scrubber);
	assert_null(strstr(text.data, "web"));
	assert_null(strstr(text.data, "acme"));
	assert_null(strstr(text.data, "shop"));
	assert_non_null(strstr(text.data, "engine docker\nname "));
	assert_non_null(strstr(text.data, "pod "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_told),
		cmocka_unit_test(others_are_none),
		cmocka_unit_test(files_tell_names),
		cmocka_unit_test(other_files_tell_nothing),
		cmocka_unit_test(owners_in_containers_are_replayed),
		cmocka_unit_test(scrubbed_ids_stay_ids),
		cmocka_unit_test(scrubbed_names_are_substitutes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
