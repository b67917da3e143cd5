// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage l2: a loop, which sends what is for all round and round. */
#include <stdio.h>

#include "causes/devices.h"
#include "causes/enter.h"
#include "causes/stages.h"

#define STORM_RATE 1000.0 /* frames to groups a second: more than a quiet segment of hosts has */

/*
 * br_fdb_update(): "br0: received packet on eth0 with own address as source address (addr:...,
 * vlan:0)". The log is the host's: both names must be a bridge of this namespace and its port.
 */
static const struct link *port_in(const struct exam *x, const char *text)
{
	vec_each(port, &x->o->b.links) {
		const struct link *bridge = device_master(x->o, port);
		char line[96];

		if (!bridge || !is_kind(bridge, "bridge"))
			continue;
		snprintf(line, sizeof(line), "%s: received packet on %s with own address",
			 bridge->name, port->name);
		if (strstr(text, line))
			return port;
	}
	return NULL;
}

static const struct link *looping_port(const struct exam *x, unsigned int *ret_lines,
				       const char **ret_text)
{
	uint64_t since = x->o->since_boot ? 0 : kernel_log_end(&x->o->a);
	const struct link *found = NULL;

	vec_each(line, &x->o->b.kernel_log) {
		const struct link *port;

		if (line->id != KERNEL_LOG_OWN_ADDRESS || line->sequence <= since)
			continue;
		port = port_in(x, line->text);
		if (!port || (found && found != port))
			continue;
		found = port;
		*ret_text = line->text;
		(*ret_lines)++;
	}
	return found;
}

static uint64_t to_groups(const struct exam *x)
{
	return delta_value(delta_counter(x->o, C_IPEXT_IN_BCAST_PKTS)) +
	       delta_value(delta_counter(x->o, C_IPEXT_IN_MCAST_PKTS)) +
	       delta_value(delta_counter(x->o, C_IP6_IN_MCAST_PKTS));
}

/*
 * A frame with a bridge's own address can only come in if it went round, or if somebody else uses
 * that address (a copied virtual machine). With many frames to groups besides it is a loop, and
 * these never end: there is no TTL. The log is limited, so few lines may stand for many frames.
 */
enum outcome examine_loop_storm(struct exam *x)
{
	unsigned int lines = 0;
	const char *text = NULL;
	const struct link *port = looping_port(x, &lines, &text), *bridge;
	uint64_t groups = to_groups(x);
	bool storm = per_second(x->o, groups) >= STORM_RATE;
	char enter[96];
	struct finding *f;
	struct remedy *r;

	if (!port) {
		evidence_text(NULL, x, "no bridge saw its own address come in");
		return NOT_FOUND;
	}
	bridge = device_master(x->o, port);
	f = finding_new(x);
	f->state = AT_RISK;
	f->severity = storm && !x->o->since_boot ? SEVERITY_WARNING : SEVERITY_INFO;
	f->confidence = storm ? LIKELY : POSSIBLE;
	memcpy(finding_subject(f)->device, port->name, sizeof(port->name));
	finding_headline(f, storm ? "%s gets its own frames back by %s: a loop"
				  : "%s sees its own address come in by %s", bridge->name, port->name);
	finding_text(f, "%s", storm ? "Frames come back that this bridge sent, and many frames to all "
				      "stations with them: somewhere beyond that port a second way leads "
				      "back here. Nothing ends such frames; they take the bandwidth of "
				      "all that is connected."
				    : "Frames with the bridge's own address came in: a loop, or another "
				      "device with the same address (a copied virtual machine). There "
				      "is no storm.");
	evidence_text(f, x, "the kernel's log said %u times: %s", lines, text);
	evidence_counter(f, x, C_IPEXT_IN_BCAST_PKTS);
	evidence_counter(f, x, C_IPEXT_IN_MCAST_PKTS);
	evidence_counter(f, x, C_IP6_IN_MCAST_PKTS);
	finding_exclude(f, "many broadcasts alone: they do not bring a bridge's own address back");
	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "cut-loop", REMEDY_ROUTE, "find the second way beyond %s, and cut it",
			   port->name);
	remedy_command(r, "%sbridge fdb show br %s", enter, bridge->name);
	remedy_command(r, "%stcpdump -c 20 -eni %s", enter, port->name);
	r = finding_remedy(f, "spanning-tree", REMEDY_ROUTE,
			   "where two ways are wanted: let the spanning tree shut one of them");
	remedy_command(r, "%sip link set dev %s type bridge stp_state 1", enter, bridge->name);
	remedy_undo(r, "%sip link set dev %s type bridge stp_state 0", enter, bridge->name);
	remedy_risk(r, "nothing passes for twice the forward delay, 30 s by default");
	return FOUND;
}
