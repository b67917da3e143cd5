// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits that the lab's host cannot be brought to: of the whole host, or of cgroup v2. Kernel text
 * as 6.12 prints it (mm/memcontrol.c memory_max_show, memory_current_read, memory_stat_show;
 * mm/memcontrol-v1.c of memory.kmem.tcp), read through a replayed host; observations made by hand.
 */
#include "observe.h"

#include "causes/stages.h"
#include "collect/cgroup.h"
#include "collect/recording.h"

static void say(struct recording *r, const char *name, const char *text)
{
	struct buf data = {.data = (char *)(uintptr_t)text, .len = strlen(text)};
	char full[256];

	snprintf(full, sizeof(full), "1/b/abs/sys/fs/cgroup/%s", name);
	recording_put(r, full, 0, &data);
}

static void limit_of(struct recording *r, const char *v1, const char *v2, struct memory_limit *ret)
{
	struct netns ns = {.inode = 1, .fd = -1};
	struct host h = {.ns = &ns, .phase = "b", .recording = r, .replay = true};
	struct cgroup_mounts mounts = {.memory = "/sys/fs/cgroup/memory",
				       .unified = "/sys/fs/cgroup"};
	struct cgroup_paths paths = {0};

	snprintf(paths.memory, sizeof(paths.memory), "%s", v1);
	snprintf(paths.unified, sizeof(paths.unified), "%s", v2);
	read_memory_limit(&h, &mounts, &paths, ret);
}

static void memory_limits_are_read(void **state)
{
	struct recording *r = recording_new();
	struct memory_limit m = {0};

	(void)state;
	say(r, "a.slice/memory.max", "67108864\n");
	say(r, "a.slice/memory.current", "64000000\n");
	say(r, "a.slice/memory.stat", "anon 1000\nfile 2000\nsock 30000000\nshmem 0\n");
	say(r, "a.slice/b.service/memory.max", "max\n");
	say(r, "memory/docker/memory.kmem.tcp.limit_in_bytes", "1048576\n");
	say(r, "memory/docker/memory.kmem.tcp.usage_in_bytes", "1146880\n");
	say(r, "memory/free/memory.kmem.tcp.limit_in_bytes", "9223372036854771712\n");
	say(r, "memory/free/memory.kmem.tcp.usage_in_bytes", "0\n");
	limit_of(r, "", "/a.slice/b.service", &m); /* the one above holds too */
	assert_string_equal(m.path, "/a.slice");
	assert_true(m.v2);
	assert_int_equal(m.limit, 67108864);
	assert_int_equal(m.used, 64000000);
	assert_int_equal(m.sockets, 30000000);
	m = (struct memory_limit){0};
	limit_of(r, "/docker/0123", "/", &m);
	assert_string_equal(m.path, "/docker");
	assert_false(m.v2);
	assert_int_equal(m.used, 1146880);
	m = (struct memory_limit){0};
	limit_of(r, "/free", "/", &m);
	assert_int_equal(m.limit, 0);
	limit_of(r, "/../outside", "/", &m);
	limit_of(r, "", "", &m);
	assert_int_equal(m.limit, 0);
	recording_free(r);
}

static enum outcome ask_memory(struct scene *s, uint64_t used, uint64_t sockets)
{
	struct process *p;

	scene_init(s);
	p = vec_push(&s->o.b.processes);
	*p = (struct process){.pid = 12, .comm = "web"};
	p->memory = (struct memory_limit){.path = "/a", .used = used, .limit = 1000 << 10,
					  .sockets = sockets, .v2 = true};
	return scene_ask(s, examine_memcg_sockets);
}

/* A group that is full of file cache is as usual; one that is full of sockets is not. */
static void memcg_socket_pressure_of_cgroup_v2(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	assert_int_equal(ask_memory(&s, 990 << 10, 50 << 10), NOT_FOUND);
	scene_done(&s);
	assert_int_equal(ask_memory(&s, 700 << 10, 500 << 10), NOT_FOUND);
	scene_done(&s);
	assert_int_equal(ask_memory(&s, 960 << 10, 500 << 10), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->state, AT_RISK);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_non_null(remedy_of(f, "raise-memory-limit"));
	assert_string_equal(remedy_of(f, "raise-memory-limit")->undo.items[0],
			    "echo 1024000 > /sys/fs/cgroup/a/memory.max");
	scene_done(&s);
}

static enum outcome ask_orphans(struct scene *s, uint64_t orphans, uint64_t aborted,
				uint64_t pressures)
{
	struct observation *o;

	scene_init(s);
	o = vec_push(&s->d.observations);
	observation_fill(o);
	count(o, C_SOCKSTAT_TCP_ORPHAN, 3, orphans);
	count(o, C_TCP_ABORT_ON_MEMORY, 10, 10 + aborted);
	count(o, C_TCP_MEMORY_PRESSURES, 5, 5 + pressures);
	o->b.sysctl[K_TCP_MAX_ORPHANS] = (struct sysctl_value){.n = 1, .v = {1000}};
	scene_exam(s);
	s->x.o = o;
	return examine_orphans(&s->x);
}

static void orphan_overflow(void **state)
{
	struct scene s;

	(void)state;
	assert_int_equal(ask_orphans(&s, 240, 0, 0), NOT_FOUND);
	scene_done(&s);
	assert_int_equal(ask_orphans(&s, 260, 0, 0), FOUND);
	assert_int_equal(only_finding(&s)->state, AT_RISK);
	assert_int_equal(only_finding(&s)->severity, SEVERITY_WARNING);
	scene_done(&s);
	assert_int_equal(ask_orphans(&s, 990, 40, 0), FOUND);
	assert_int_equal(only_finding(&s)->state, LOSING);
	assert_int_equal(only_finding(&s)->severity, SEVERITY_CRITICAL);
	assert_int_equal(only_finding(&s)->lost, 40);
	scene_done(&s);
	/* The same counter for want of tcp_mem is another cause's. */
	assert_int_equal(ask_orphans(&s, 20, 40, 1), NOT_FOUND);
	scene_done(&s);
}

static enum outcome ask_files(struct scene *s, int64_t used, int64_t most)
{
	struct observation *o;

	scene_init(s);
	o = vec_push(&s->d.observations);
	observation_fill(o);
	o->b.sysctl[K_FILE_NR] = (struct sysctl_value){.n = 3, .v = {used, 0, most}};
	scene_exam(s);
	s->x.o = o;
	return examine_fd_exhaustion(&s->x);
}

static void fd_exhaustion_of_the_host(void **state)
{
	struct scene s;

	(void)state;
	assert_int_equal(ask_files(&s, 1888, INT64_MAX), NOT_FOUND);
	scene_done(&s);
	assert_int_equal(ask_files(&s, 960, 1000), FOUND);
	assert_int_equal(only_finding(&s)->severity, SEVERITY_CRITICAL);
	assert_int_equal(only_finding(&s)->state, AT_RISK);
	scene_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_limits_are_read),
		cmocka_unit_test(memcg_socket_pressure_of_cgroup_v2),
		cmocka_unit_test(orphan_overflow),
		cmocka_unit_test(fd_exhaustion_of_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
