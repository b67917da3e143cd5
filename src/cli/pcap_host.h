/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `whydrop pcap` has beside the packets: the diagnosis of the host they were captured on, from a
 * recording or sampled meanwhile; and the capturing itself.
 */
#ifndef WHYDROP_PCAP_HOST_H
#define WHYDROP_PCAP_HOST_H

#include "causes/capture.h"
#include "cli/session.h"

struct pcap_asked {
	const char *device, *netns, *filter, *write; /* device NULL: no live capture */
	const char *recording;			     /* NULL: none */
	double seconds;				     /* 0: until ctrl-C, an hour at most */
	unsigned int count;			     /* end after so many packets; 0: none */
	int ready_fd;				     /* as of struct session_options */
};

struct pcap_host {
	struct session s;
	struct diagnosis d; /* without observations: there is none */
	struct reader_sum captured; /* of a live capture */
	char name[80];		    /* "eth0", "eth0 in web" */
	const char *note;	    /* why it ended before its time; NULL */
	char note_text[200];
	bool apart; /* the recording is of another time than the capture: they say nothing of each other */
};

/* The host by its recording. A negative errno with a message, and nothing to give back. */
int pcap_host_replay(struct pcap_host *h, const struct pcap_asked *asked, struct buf *message);
/*
 * Captures into `a` while the host is sampled, until the time is over, so many packets came, ctrl-C, or
 * the device is gone. Errors likewise.
 */
int pcap_host_capture(struct pcap_host *h, const struct pcap_asked *asked, struct analysis *a,
		      struct buf *message);
/* After the last packet: were both at the same time? */
void pcap_host_check(struct pcap_host *h, const struct analysis *a);
void pcap_host_done(struct pcap_host *h);

#endif
