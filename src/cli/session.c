// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "cli/session_parts.h"

#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "cli/config.h"
#include "collect/process.h"
#include "collect/rates.h"
#include "drops/drops.h"
#include "drops/task_files.h"
#include "drops/tcp_lines.h"

#define LOOK_STEP_MAX_NS (NSEC_PER_SEC / 2)
#define LOOK_STEP_MIN_NS (50 * NSEC_PER_MSEC)
#define LOOKS_PER_INTERVAL 10
/* Where a look is dear (hundreds of namespaces) there are fewer: a tenth of one CPU at most. */
#define LOOK_CPU_SHARE 10
#define PROGRESS_WIDTH 20

/* --- ctrl-C: the first ends the sampling, the second the program --- */

static volatile sig_atomic_t interrupted, signalled; /* session_stop() is no signal */
static void (*volatile last_act)(void);

static void on_interrupt(int signal_number)
{
	if (signalled) {
		if (last_act)
			last_act();
		_exit(128 + signal_number);
	}
	signalled = interrupted = 1;
}

void session_on_quit(void (*fn)(void))
{
	last_act = fn;
}

static void catch_interrupts(void)
{
	/* No SA_RESTART: the sleep must end. A second one quits even within a slow system call. */
	struct sigaction action = {.sa_handler = on_interrupt};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* --- live --- */

static void progress(const struct session_options *options, int64_t done_ns, int64_t all_ns)
{
	int filled = (int)(done_ns * PROGRESS_WIDTH / (all_ns ? all_ns : 1));

	if (!options->progress)
		return;
	fprintf(stderr, "\rsampling %.*s%.*s %.1f of %.1f s, ctrl-C to stop early ",
		MIN(filled, PROGRESS_WIDTH), "####################", PROGRESS_WIDTH - filled,
		"....................", (double)done_ns / NSEC_PER_SEC, (double)all_ns / NSEC_PER_SEC);
	fflush(stderr);
}

bool session_interrupted(void)
{
	return interrupted;
}

void session_stop(void)
{
	interrupted = 1;
}

int64_t session_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

void session_sleep_until(int64_t when_ns)
{
	struct timespec ts = {when_ns / NSEC_PER_SEC, when_ns % NSEC_PER_SEC};

	while (!interrupted && monotonic_ns() < when_ns)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void look_around(struct session *s, const struct session_options *options,
			struct diagnosis *d, int64_t begin_ns)
{
	int64_t all = (int64_t)(options->seconds * NSEC_PER_SEC), end = begin_ns + all;
	int64_t step = MAX(MIN(all / LOOKS_PER_INTERVAL, LOOK_STEP_MAX_NS), LOOK_STEP_MIN_NS), next;
	char phase[32];

	step = MAX(step, all / LOOKS_MAX);
	next = begin_ns + step;
	for (int n = 1; next + step / 2 <= end; n++) {
		int64_t cpu;

		progress(options, MIN(monotonic_ns() - begin_ns, all), all);
		session_sleep_until(next);
		if (interrupted)
			break;
		cpu = session_cpu_ns();
		snprintf(phase, sizeof(phase), "look-%d", n);
		session_take_phase(s, d, phase);
		session_stamp_phase(s, d, phase);
		cpu = session_cpu_ns() - cpu;
		next = MAX(next + step, monotonic_ns() + cpu * (LOOK_CPU_SHARE - 1));
	}
	session_sleep_until(end);
	if (options->progress)
		fprintf(stderr, "\r%*s\r", 78, "");
}

static void tell_ready(int fd)
{
	if (fd >= 0 && write(fd, "r", 1) != 1)
		close(fd);
}

/* A thread that hangs in a read keeps what it works on. */
static void keep_rates(struct session *s, struct diagnosis *d, struct rate_sampler *sampler)
{
	for (size_t i = 0; sampler && i < d->observations.n; i++)
		rates_collect(&s->hosts[i], sampler, i, &d->observations.items[i]);
	rate_sampler_free(sampler);
}

static void measure(struct diagnosis *d)
{
	vec_each(o, &d->observations)
		o->seconds = (double)(o->b.taken_ns - o->a.taken_ns) / NSEC_PER_SEC;
}

/* Numbers alone, see session_options. */
static int sample_numbers(struct session *s, const struct session_options *options,
			  struct diagnosis *d)
{
	s->drops.err = s->tcp.err = -ENODATA;
	clock_gettime(CLOCK_REALTIME, &s->report.started_at);
	session_take_phase(s, d, "a");
	if (options->begun && !options->begun(d, options->begun_arg))
		return -ECANCELED;
	tell_ready(options->ready_fd);
	s->due_ns = d->observations.items[0].a.taken_ns +
		    (int64_t)(options->seconds * NSEC_PER_SEC);
	session_sleep_until(s->due_ns);
	session_take_phase(s, d, "b");
	return 0;
}

bool session_again(struct session *s, const struct session_options *options, struct diagnosis *d)
{
	uint64_t sources = s->sources;

	if (interrupted)
		return false;
	vec_each(o, &d->observations) {
		snapshot_done(&o->a);
		o->a = o->b;
		o->b = (struct snapshot){0};
	}
	clock_gettime(CLOCK_REALTIME, &s->report.started_at);
	s->due_ns += (int64_t)(options->seconds * NSEC_PER_SEC);
	session_sleep_until(s->due_ns);
	/* What still does not answer is not waited for again. */
	s->sources &= ~collect_given_up();
	session_take_phase(s, d, "b");
	s->sources = sources;
	measure(d);
	return true;
}

uint32_t session_only_netns(const struct diagnosis *d)
{
	return d->observations.n == 1 ? d->observations.items[0].inode : 0;
}

/* What was added since the last time; the first time ends what came before the sample. */
static void read_tcp(struct session *s, struct tcp_tracer *tracer)
{
	int err;

	if (!tracer)
		return;
	tcp_lines_done(&s->tcp);
	err = tcp_tracer_read_on(tracer, &s->tcp);
	s->tcp.err = err;
}

static void sample(struct session *s, const struct session_options *options, struct diagnosis *d)
{
	const struct drop_tracer_options scoped = {.netns = session_only_netns(d)};
	struct rate_sampler *sampler;
	struct drop_tracer *tracer = NULL;
	struct tcp_tracer *tcp = NULL;
	int64_t began, begin;

	s->drops.err = s->tcp.err = -ENODATA;
	if (!options->since_boot) {
		s->drops.err = drop_tracer_open_with(&scoped, &tracer);
		s->tcp.err = tcp_tracer_open(NULL, TCP_STATES_ALL, scoped.netns, &tcp);
	}
	clock_gettime(CLOCK_REALTIME, &s->report.started_at);
	began = monotonic_ns();
	if (options->since_boot) {
		session_take_phase(s, d, "b");
		session_stamp_phase(s, d, "b");
		return;
	}
	/* The trace and the counters begin and end in the same order, a moment apart. */
	if (tracer)
		drop_tracer_start(tracer);
	read_tcp(s, tcp);
	session_take_phase(s, d, "a");
	session_stamp_phase(s, d, "a");
	tell_ready(options->ready_fd);
	begin = monotonic_ns();
	sampler = rate_sampler_start(s->hosts, d->observations.n, options->seconds, began);
	look_around(s, options, d, begin);
	if (sampler && !rate_sampler_stop(sampler))
		sampler = NULL;
	if (tracer)
		drop_tracer_stop(tracer);
	read_tcp(s, tcp);
	session_take_phase(s, d, "b");
	session_stamp_phase(s, d, "b");
	keep_rates(s, d, sampler);
	/* Not before: letting go of programs takes the kernel some time. */
	tcp_tracer_close(tcp);
	if (tracer) {
		s->drops.err = drop_tracer_read(tracer, &s->drops);
		drop_tracer_close(tracer);
	}
	if (interrupted)
		snprintf(s->note, sizeof(s->note), "stopped early, %.1f s were asked for",
			 options->seconds);
}

/*
 * Waits, and diagnoses the loss that begins. Where none does, the counters of the whole time are
 * what was seen, and no drop was traced.
 */
static void wait_and_sample(struct session *s, const struct session_options *options,
			    struct diagnosis *d)
{
	struct session_options after = *options;

	clock_gettime(CLOCK_REALTIME, &s->report.started_at);
	session_take_phase(s, d, "a");
	tell_ready(options->ready_fd);
	after.ready_fd = -1;
	if (session_wait(s, options)) {
		vec_each(o, &d->observations)
			snapshot_done(&o->a);
		sample(s, &after, d);
		return;
	}
	session_take_phase(s, d, "b");
	s->drops.err = s->tcp.err = -ENODATA;
}

/* Whether the run makes sense, before anybody waits for it: by the devices, read for this alone. */
static bool begins(struct session *s, const struct session_options *options, struct diagnosis *d)
{
	uint64_t sources = s->sources;
	bool ok;

	if (!options->begun)
		return true;
	s->sources = SOURCE_BIT(SRC_LINK);
	session_take_phase(s, d, "a");
	s->sources = sources;
	ok = options->begun(d, options->begun_arg);
	vec_each(o, &d->observations)
		snapshot_done(&o->a);
	return ok;
}

int session_namespaces(const char *which, struct netns_list *ret, struct buf *message)
{
	struct netns ns;
	int r;

	if (which && strcmp(which, "all") == 0) {
		r = netns_open_all(ret);
		if (r < 0)
			buf_printf(message, "cannot list network namespaces: %s", strerror(-r));
		return r;
	}
	r = netns_open(which, &ns);
	if (r < 0) {
		if (r == -ENOENT)
			buf_printf(message, "no network namespace or process '%s'", which);
		else
			buf_printf(message, "cannot open network namespace '%s': %s%s",
				   which ? which : "self", strerror(-r),
				   (r == -EACCES || r == -EPERM) && geteuid() ? " (run as root)" : "");
		return r;
	}
	*vec_push(&ret->list) = ns;
	return 0;
}

static double uptime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / NSEC_PER_SEC;
}

static void describe_host(struct session *s)
{
	struct utsname u;

	if (uname(&u) == 0) {
		snprintf(s->host_name, sizeof(s->host_name), "%s", u.nodename);
		snprintf(s->kernel, sizeof(s->kernel), "%s", u.release);
	}
	s->report.cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
}

/* --- for the header line --- */

/* The devices that carry most, loopback left out: "eth0, eth1 and 3 more". */
static void main_devices(struct session *s, const struct diagnosis *d)
{
	const struct snapshot *b = &d->observations.items[0].b;
	const struct link *best = NULL;
	size_t others = 0;

	vec_each(link, &b->links) {
		uint64_t bytes = link->stats[C_LINK_RX_BYTES - LINK_FIRST] +
				 link->stats[C_LINK_TX_BYTES - LINK_FIRST];
		uint64_t most = best ? best->stats[C_LINK_RX_BYTES - LINK_FIRST] +
					       best->stats[C_LINK_TX_BYTES - LINK_FIRST]
				     : 0;

		if ((link->flags & IFF_LOOPBACK) || !(link->flags & IFF_UP))
			continue;
		others++;
		if (!best || bytes > most)
			best = link;
	}
	if (!best)
		return;
	snprintf(s->devices, sizeof(s->devices), "%s%s%s", best->name, best->kind[0] ? " " : "",
		 best->kind);
	if (others > 1) {
		size_t at = strlen(s->devices);

		snprintf(s->devices + at, sizeof(s->devices) - at, " and %zu more", others - 1);
	}
}

void session_fill_report(struct session *s, const struct session_options *options,
			 const struct diagnosis *d)
{
	struct report *r = &s->report;

	main_devices(s, d);
	r->version = WHYDROP_VERSION;
	r->host_name = s->host_name;
	r->kernel = s->kernel;
	r->devices = s->devices[0] ? s->devices : NULL;
	r->replay = options->from != NULL;
	r->can_fix = !r->replay;
	r->all_netns = options->netns && strcmp(options->netns, "all") == 0;
	r->interval_note = s->note[0] ? s->note : NULL;
}

/* What is said with the command goes before the file, and both before what a recording carries. */
static int state(struct session *s, const struct session_options *options, struct buf *message)
{
	int r = 0;

	if (options->config || !options->from)
		r = config_load(&s->config, options->config ? options->config : CONFIG_PATH,
				options->config, message);
	for (size_t i = 0; r == 0 && i < options->limits.list.n; i++)
		r = config_add_limit(&s->config, options->limits.list.items[i], message);
	return r;
}

static void begin(struct session *s, const struct session_options *options)
{
	*s = (struct session){0};
	s->sources = options->only_sources ? options->only_sources : SOURCE_BIT(SOURCE_N) - 1;
}

static int prepare(struct session *s, const struct session_options *options, struct diagnosis *d,
		   struct buf *message)
{
	int r = state(s, options, message);

	if (r == 0)
		r = session_namespaces(options->netns, &s->namespaces, message);
	if (r < 0)
		return r;
	if (options->keep)
		s->recording = recording_new();
	session_add_observations(s, d);
	for (size_t i = 0; i < d->observations.n; i++)
		s->hosts[i].max_sockets = options->max_sockets;
	describe_host(s);
	owners_use(task_files_each);
	catch_interrupts();
	return 0;
}

int session_open(struct session *s, const struct session_options *options, struct diagnosis *d,
		 struct buf *message)
{
	int r;

	begin(s, options);
	r = prepare(s, options, d, message);
	if (r == 0 && !begins(s, options, d))
		r = -ECANCELED;
	return r;
}

int session_run(struct session *s, const struct session_options *options, struct diagnosis *d,
		struct buf *message)
{
	int r;

	begin(s, options);
	if (options->from) {
		r = session_replay(s, options, d, message);
		if (r == 0)
			r = state(s, options, message);
		if (r < 0)
			return r;
	} else {
		r = prepare(s, options, d, message);
		if (r < 0)
			return r;
		if (options->only_sources && !options->since_boot)
			r = sample_numbers(s, options, d);
		else if (!options->only_sources && !begins(s, options, d))
			r = -ECANCELED;
		else if (options->wait > 0)
			wait_and_sample(s, options, d);
		else
			sample(s, options, d);
		if (r < 0)
			return r;
		measure(d);
		vec_each(o, &d->observations) {
			o->since_boot = options->since_boot;
			if (o->since_boot)
				o->seconds = uptime();
		}
		d->uptime_s = uptime();
		if (s->recording)
			session_describe(s, options, d);
	}
	d->drops = &s->drops;
	d->tcp = &s->tcp;
	d->config = &s->config;
	d->started_at_ns = s->report.started_at.tv_sec * NSEC_PER_SEC + s->report.started_at.tv_nsec;
	session_fill_report(s, options, d);
	return 0;
}

void session_done(struct session *s)
{
	drops_done(&s->drops);
	tcp_lines_done(&s->tcp);
	config_done(&s->config);
	/* The collector that was given up may come back while the program ends, and look at these. */
	if (collect_given_up())
		return;
	netns_list_done(&s->namespaces);
	recording_free(s->recording);
	free(s->hosts);
}
