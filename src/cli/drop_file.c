// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/drop_file.h"

#include <stdio.h>
#include <time.h>

/* Containers come and go, and each brings a device; beyond it they share one without a name. */
#define INTERFACES_MAX 1024
#define SNAPLEN DROP_EVENT_BYTES

static int64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

int drop_file_open(struct drop_file *f, const char *path, const struct report *r)
{
	struct pcapng_about about = {.comment = "Packets that this host dropped. The comment of each "
						"tells why."};
	char program[64], os[128];

	snprintf(program, sizeof(program), "whydrop %s", r->version);
	snprintf(os, sizeof(os), "Linux %s", r->kernel ? r->kernel : "");
	about.program = program;
	about.os = os;
	*f = (struct drop_file){.path = path, .began_ns = wall_ns()};
	return pcapng_create(path, &about, &f->file);
}

static int interface_of(struct drop_file *f, const struct packet_event *p, uint16_t linktype,
			uint32_t *ret)
{
	struct drop_file_interface *new, like = {.netns = p->event.netns, .linktype = linktype};
	cleanup(buf_done) struct buf where = {0};
	int err;

	memcpy(like.device, p->event.device, sizeof(like.device));
	if (f->interfaces.n >= INTERFACES_MAX) {
		like.netns = 0;
		like.device[0] = '\0';
	}
	vec_each(known, &f->interfaces)
		if (known->netns == like.netns && known->linktype == linktype &&
		    strncmp(known->device, like.device, sizeof(like.device)) == 0) {
			*ret = known->id;
			return 0;
		}
	packet_netns_words(p, &where);
	buf_puts(&where, linktype == LINKTYPE_RAW ? ", from the IP header on" : "");
	err = pcapng_interface(f->file, linktype, SNAPLEN, like.device,
			       f->interfaces.n >= INTERFACES_MAX ? "any other" : where.data,
			       &like.id);
	if (err)
		return err;
	new = vec_push(&f->interfaces);
	*new = like;
	*ret = like.id;
	return 0;
}

int drop_file_add(struct drop_file *f, const struct packet_event *p)
{
	struct pcapng_packet packet = {.at_ns = p->at_ns};
	cleanup(buf_done) struct buf comment = {0};
	uint16_t linktype;

	if (!f->file || f->err)
		return 0;
	if (!packet_bytes(p, &packet, &linktype)) {
		f->unreadable++;
		return 0;
	}
	f->err = interface_of(f, p, linktype, &packet.interface);
	packet_comment(p, &comment);
	packet.comment = comment.data;
	if (!f->err)
		f->err = pcapng_packet(f->file, &packet);
	f->written += !f->err;
	return f->err;
}

/*
 * The missed are known by reason and place, not by device: they stand at an interface of their own,
 * which no packet has.
 */
static void note_missed(struct drop_file *f, const struct watch *w)
{
	cleanup(buf_done) struct buf text = {0};
	uint64_t missed = 0;
	uint32_t id;

	vec_each(m, &w->events_missed) {
		buf_printf(&text, "%s%llu %s at %s", missed ? ", " : "not here: ",
			   (unsigned long long)m->packets, m->reason, m->symbol);
		missed += m->packets;
	}
	if (!missed && !f->unreadable)
		return;
	if (f->unreadable)
		buf_printf(&text, "%s%llu without any header left", missed ? ", " : "not here: ",
			   (unsigned long long)f->unreadable);
	if (pcapng_interface(f->file, LINKTYPE_RAW, SNAPLEN, "missed",
			     "drops that were counted, but not told one by one", &id) == 0)
		pcapng_statistics(f->file, id, f->began_ns, wall_ns(), 0, missed + f->unreadable,
				  text.data);
}

int drop_file_close(struct drop_file *f, const struct watch *w)
{
	int err = 0;

	vec_done(&f->interfaces);
	if (!f->file)
		return 0;
	if (!f->err)
		note_missed(f, w);
	err = pcapng_close(f->file);
	f->file = NULL;
	return f->err ? 0 : err;
}
