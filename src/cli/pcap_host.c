// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two threads: this one samples the host as `whydrop diagnose` does, the other has entered the
 * namespace, captures and follows the connections. The capture begins before the sampling and ends
 * after it, unless it ends by itself: by the number of packets, or as its device went.
 */
#include "cli/pcap_host.h"

#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "capture/live.h"
#include "cli/cmd.h"
#include "cli/privileges.h"
#include "cli/rule_text.h"
#include "cli/session_parts.h"

#define LONGEST_SECONDS 3600 /* as of diagnose --time */
#define SNAPLEN_HEADERS 256  /* enough to follow connections, behind tunnels too */
#define IDLE_TURNS 6	     /* of LIVE_WAIT_MS: the block that was open at the end has come by then */

struct capturing {
	const struct pcap_asked *asked;
	struct pcap_host *host;
	struct analysis *a;
	struct netns *ns;
	struct buf *message;
	sem_t opened;
	int err; /* of opening */
	atomic_bool stop;
	_Atomic int64_t end_ns; /* CLOCK_REALTIME, once `stop` is set: later packets are not of it */
	struct live *live;
	struct pcapng *file;
	uint64_t written;
	int64_t began_ns;
	int file_err;
};

static int64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* ---- the file ---- */

static int file_open(struct capturing *c)
{
	struct pcapng_about about = {.program = "whydrop " WHYDROP_VERSION};
	struct utsname u;
	int r;

	/* The session names the kernel too, but not before it is over. */
	if (uname(&u) == 0)
		about.os = u.release;
	r = pcapng_create(c->asked->write, &about, &c->file);
	if (r < 0)
		buf_printf(c->message, "cannot write %s: %s", c->asked->write, strerror(-r));
	return r;
}

static void file_failed(struct capturing *c, int err)
{
	if (c->file_err)
		return;
	c->file_err = err;
	complain("pcap: %s: cannot be written any further (%s): it ends with its last whole packet, the "
		 "analysis goes on", c->asked->write, errno_name(err));
}

static void file_packet(struct capturing *c, const struct raw_packet *p)
{
	const struct pcapng_packet packet = {
		.at_ns = p->at_ns, .bytes = p->bytes, .captured = p->captured, .length = p->length};
	int r;

	if (!c->file || c->file_err)
		return;
	r = pcapng_packet(c->file, &packet);
	if (r < 0)
		file_failed(c, r);
	else
		c->written++;
}

static void file_close(struct capturing *c)
{
	const struct reader_sum *sum = &c->host->captured;
	int r;

	if (!c->file)
		return;
	if (!c->file_err)
		pcapng_statistics(c->file, 0, c->began_ns, wall_ns(), sum->packets, sum->drops, NULL);
	r = pcapng_close(c->file);
	if (r < 0)
		file_failed(c, r);
	fprintf(stderr, "%llu packets in %s\n", (unsigned long long)c->written,
		strcmp(c->asked->write, "-") == 0 ? "the capture" : c->asked->write);
}

/* ---- the packets ---- */

static void unlock_words(struct capturing *c)
{
	struct capability_row row = {"CAP_NET_RAW", CAP_NET_RAW, "", "net_raw"};

	if (c->asked->netns)
		row.words = "net_raw,sys_admin";
	buf_printf(c->message, "capturing on '%s' needs CAP_NET_RAW: ", c->asked->device);
	privileges_unlock(&row, c->message);
	buf_printf(c->message, " pcap -i %s%s%s", c->asked->device, c->asked->netns ? " --netns " : "",
		   c->asked->netns ? c->asked->netns : "");
}

static int open_there(struct capturing *c)
{
	const struct pcap_asked *o = c->asked;
	struct host host = {.ns = c->ns};
	uint32_t id, snaplen = o->write ? PCAPNG_SNAPLEN_MAX : SNAPLEN_HEADERS;
	bool denied = false;
	int r = host_enter(&host);

	if (r < 0)
		buf_printf(c->message, "cannot enter network namespace '%s': %s", o->netns, strerror(-r));
	else
		r = live_open(o->device, o->filter, snaplen, &c->live, &denied, c->message);
	if (denied)
		unlock_words(c);
	if (r == 0 && o->write)
		r = file_open(c);
	if (r == 0 && c->file)
		r = pcapng_interface(c->file, live_linktype(c->live), snaplen, o->device, NULL, &id);
	return r;
}

/* False: that was the last one. */
static bool take(struct capturing *c, const struct raw_packet *p)
{
	struct reader_sum *sum = &c->host->captured;

	if (c->stop && p->at_ns > c->end_ns)
		return false;
	sum->packets++;
	sum->bytes += p->length;
	file_packet(c, p);
	analysis_packets(c->a, p, 1);
	return !c->asked->count || sum->packets < c->asked->count;
}

static void capture(struct capturing *c)
{
	struct pcap_host *h = c->host;
	struct raw_packet p;
	int idle = 0, r;

	while (!c->stop || idle < IDLE_TURNS) {
		r = live_next(c->live, &p);
		idle = r || !c->stop ? 0 : idle + 1;
		if (r < 0) {
			snprintf(h->note_text, sizeof(h->note_text), "the capture ended early: %s",
				 live_error(c->live));
			h->note = h->note_text;
		}
		if (r < 0 || (r > 0 && !take(c, &p))) {
			session_stop();
			break;
		}
		if (session_interrupted() && !c->stop) {
			c->end_ns = wall_ns();
			c->stop = true;
		}
	}
	h->captured.drops_known = live_missed(c->live, &h->captured.drops);
}

static void *capture_thread(void *arg)
{
	struct capturing *c = arg;

	c->err = open_there(c);
	c->began_ns = wall_ns();
	sem_post(&c->opened);
	if (c->err == 0)
		capture(c);
	file_close(c);
	live_close(c->live);
	return NULL;
}

/* ctrl-C is for the thread that sleeps. */
static int start(struct capturing *c, pthread_t *ret)
{
	sigset_t interrupts, before;
	int r;

	sigemptyset(&interrupts);
	sigaddset(&interrupts, SIGINT);
	sigaddset(&interrupts, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &interrupts, &before);
	sem_init(&c->opened, 0, 0);
	r = pthread_create(ret, NULL, capture_thread, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r) {
		buf_printf(c->message, "no thread to capture: %s", strerror(r));
		return -r;
	}
	while (sem_wait(&c->opened) < 0)
		;
	if (c->err < 0)
		pthread_join(*ret, NULL);
	return c->err;
}

static void judge(struct pcap_host *h)
{
	diagnose(&h->d);
	add_rule_texts(&h->s, &h->d);
}

static void name_it(struct pcap_host *h, const struct pcap_asked *o)
{
	snprintf(h->name, sizeof(h->name), "%s%s%s", o->device, o->netns ? " in " : "",
		 o->netns ? o->netns : "");
	h->captured = (struct reader_sum){.format = "live", .interfaces = 1};
}

int pcap_host_capture(struct pcap_host *h, const struct pcap_asked *o, struct analysis *a,
		      struct buf *message)
{
	struct session_options session = {.netns = o->netns, .ready_fd = o->ready_fd,
					  .seconds = o->seconds ? o->seconds : LONGEST_SECONDS};
	struct netns_list spaces cleanup(netns_list_done) = {0};
	struct capturing c = {.asked = o, .host = h, .a = a, .message = message};
	pthread_t thread;
	int r = session_namespaces(o->netns, &spaces, message);

	if (r < 0)
		return r;
	c.ns = spaces.list.items;
	name_it(h, o);
	r = start(&c, &thread);
	if (r < 0)
		return r;
	fprintf(stderr, "capturing on %s, ctrl-C ends it\n", h->name);
	r = session_run(&h->s, &session, &h->d, message);
	c.end_ns = wall_ns();
	c.stop = true;
	pthread_join(thread, NULL);
	sem_destroy(&c.opened);
	if (r == 0)
		judge(h);
	return r;
}

int pcap_host_replay(struct pcap_host *h, const struct pcap_asked *o, struct buf *message)
{
	const struct session_options session = {.from = o->recording, .ready_fd = -1};
	int r = session_run(&h->s, &session, &h->d, message);

	if (r == 0)
		judge(h);
	return r;
}

void pcap_host_check(struct pcap_host *h, const struct analysis *a)
{
	const struct observation *o = h->d.observations.items;
	int64_t from = h->d.started_at_ns, to;

	if (!h->d.observations.n || !a->sum.packets)
		return;
	to = from + (int64_t)(o->seconds * NSEC_PER_SEC);
	h->apart = o->since_boot || a->sum.last_ns < from || a->sum.first_ns > to;
	if (!h->apart)
		return;
	if (h->note) /* it ended early: that tells why */
		return;
	snprintf(h->note_text, sizeof(h->note_text), "%s, so they were not joined",
		 o->since_boot ? "The recording holds counters since boot and no interval"
		 : h->captured.format ? "All packets had come before this host was examined"
				      : "The recording and the capture are of different times");
	h->note = h->note_text;
}

void pcap_host_done(struct pcap_host *h)
{
	diagnosis_done(&h->d);
	session_done(&h->s);
}
