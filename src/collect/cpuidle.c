// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How deep CPUs sleep: /sys/devices/system/cpu/cpuN/cpuidle/stateM/{name,latency,disable,usage,time}
 * (drivers/cpuidle/sysfs.c; microseconds, how often entered, 64 bits) and cpuN/cpufreq/
 * scaling_{driver,governor} of the first CPU that has them (drivers/cpufreq/cpufreq.c).
 *
 * Scope: the whole host. No privilege. A hundred CPUs have some thousand such files, so they are
 * read only where some card has ever lost packets for want of a descriptor. Guests mostly have none.
 *
 * A recording keeps what was found as lines of words:
 *   governor DRIVER GOVERNOR
 *   state CPU NUMBER LATENCY DISABLED USAGE TIME NAME
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "collect/proctext.h"

#define CPUS_MAX 256
#define STATES_MAX 10 /* CPUIDLE_STATE_MAX */

static bool lost_in_a_ring(const struct snapshot *s)
{
	vec_each(l, &s->links)
		if (l->stats[C_LINK_RX_MISSED_ERRORS - LINK_FIRST] ||
		    l->stats[C_LINK_RX_FIFO_ERRORS - LINK_FIRST])
			return true;
	return false;
}

static int read_word(int dir, const char *path, char *to, size_t size)
{
	cleanup(cleanup_fd) int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, to, size - 1);

	if (n < 0)
		return -errno;
	to[n] = '\0';
	to[strcspn(to, " \n")] = '\0';
	return *to ? 0 : -ENODATA;
}

/* False: there are no more. */
static bool find_state(int dir, unsigned int cpu, unsigned int number, struct buf *to)
{
	static const char *const files[] = {"latency", "disable", "usage", "time", "name"};
	size_t begin = to->len;
	char path[64], word[32];

	buf_printf(to, "state %u %u", cpu, number);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "cpu%u/cpuidle/state%u/%s", cpu, number, files[i]);
		if (read_word(dir, path, word, sizeof(word)) < 0) {
			to->len = begin;
			return false;
		}
		buf_printf(to, " %s", word);
	}
	buf_puts(to, "\n");
	return true;
}

static int find_states(struct buf *to)
{
	cleanup(cleanup_fd) int dir = open("/sys/devices/system/cpu", O_PATH | O_CLOEXEC);
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	char driver[32], governor[32];

	if (dir < 0)
		return -errno;
	if (read_word(dir, "cpu0/cpufreq/scaling_driver", driver, sizeof(driver)) == 0 &&
	    read_word(dir, "cpu0/cpufreq/scaling_governor", governor, sizeof(governor)) == 0)
		buf_printf(to, "governor %s %s\n", driver, governor);
	for (unsigned int cpu = 0; cpu < CPUS_MAX && cpu < cpus; cpu++)
		for (unsigned int number = 0; number < STATES_MAX; number++)
			if (!find_state(dir, cpu, number, to))
				break;
	return to->len ? 0 : -ENOENT;
}

static bool take_state(struct span line, struct snapshot *s)
{
	struct idle_state *state = vec_push(&s->idle_states);
	uint64_t v[6];
	struct span word;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		if (!next_field(&line, &word) ||
		    parse_u64(word, i < 4 ? UINT32_MAX : UINT64_MAX, &v[i]) < 0)
			return false;
	if (!next_field(&line, &word))
		return false;
	state->cpu = (unsigned int)v[0];
	state->number = (unsigned int)v[1];
	state->latency_us = (uint32_t)v[2];
	state->disabled = v[3];
	state->usage = v[4];
	state->time_us = v[5];
	span_copy(word, state->name, sizeof(state->name));
	return s->idle_states.n <= (size_t)CPUS_MAX * STATES_MAX;
}

int parse_cpuidle(struct span text, struct snapshot *s)
{
	struct span line, kind, driver, governor;

	while (next_line(&text, &line)) {
		if (!next_field(&line, &kind))
			return -EBADMSG;
		if (span_is(kind, "governor")) {
			if (!next_field(&line, &driver) || !next_field(&line, &governor))
				return -EBADMSG;
			span_copy(driver, s->cpufreq_driver, sizeof(s->cpufreq_driver));
			span_copy(governor, s->cpufreq_governor, sizeof(s->cpufreq_governor));
		} else if (!span_is(kind, "state") || !take_state(line, s)) {
			return -EBADMSG;
		}
	}
	return 0;
}

int collect_cpuidle(struct host *h, struct snapshot *s)
{
	cleanup(buf_done) struct buf text = {0};
	int r = 0;

	if (!lost_in_a_ring(s))
		return 0;
	if (!h->replay)
		r = find_states(&text);
	r = host_keep(h, "cpuidle", r, &text);
	if (r == -ENOENT)
		return COLLECT_UNUSED;
	return r < 0 ? r : parse_cpuidle((struct span){text.data, text.len}, s);
}
