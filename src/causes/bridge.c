// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage l2: what a bridge does not pass on. Newer kernels give these drops reasons of their own
 * (BRIDGE_INGRESS_STP_STATE, MAC_IEEE_MAC_CONTROL, MAC_INVALID_SOURCE, NO_TX_TARGET: in 6.18, not
 * in 6.12); before them the function, the state of the port and the kind of frame tell.
 */
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>

#include "causes/devices.h"
#include "causes/enter.h"
#include "causes/stages.h"

#define ETHERTYPE_PAUSE 0x8808
#define HZ_OF_IFLA 100.0 /* IFLA_BR_FORWARD_DELAY is in clock_t */

/* include/uapi/linux/if_bridge.h */
enum { BR_DISABLED, BR_LISTENING, BR_LEARNING, BR_FORWARDING, BR_BLOCKING };

/* Why the bridge let a frame go. */
enum how {
	NOT_BRIDGED,
	STP_WAITING,  /* the port it came in by is listening or learning */
	STP_BLOCKED,  /* ... is shut, because there is another way */
	STP_DISABLED, /* ... takes no part: its bridge is down */
	STP_OUT,      /* the port it should leave by is not forwarding */
	BAD_SOURCE,
	ISOLATED,
	NOWHERE, /* back to where it came from, or to no port at all */
	VLAN_IN,
	VLAN_OUT,
	PAUSE,
	HOW_N
};

static const struct how_row {
	const char *cause;
	enum severity most;
	enum confidence confidence;
	const char *text, *excluded;
} how_rows[HOW_N] = {
	[STP_WAITING] = {"bridge-stp-blocked", SEVERITY_CRITICAL, CERTAIN,
			 "After a port comes up, the spanning tree makes it wait twice the forward "
			 "delay before anything passes; until then all that comes in by it is dropped.",
			 "a firewall of the bridge (reason NETFILTER_DROP)"},
	[STP_BLOCKED] = {"bridge-stp-blocked", SEVERITY_INFO, CERTAIN,
			 "The spanning tree keeps this port shut because another way leads there: what "
			 "comes in by it are copies, and nothing is missing.",
			 "a port that has just come up (listening, learning)"},
	[STP_DISABLED] = {"bridge-stp-blocked", SEVERITY_INFO, CERTAIN,
			  "The port is up and a part of the bridge, but the bridge is down: what comes in "
			  "goes nowhere.",
			  "the spanning tree: it does not run while the bridge is down"},
	[STP_OUT] = {"bridge-stp-blocked", SEVERITY_CRITICAL, LIKELY,
		     "Another port of the bridge is not forwarding yet: after it comes up the spanning "
		     "tree makes it wait twice the forward delay. What should leave by it is dropped.",
		     "an isolated port"},
	[BAD_SOURCE] = {"bridge-filter", SEVERITY_WARNING, CERTAIN,
			"Their source is a group's hardware address, which no sender may have: a broken "
			"network card, driver or virtual machine.",
			"a port that is not forwarding"},
	[ISOLATED] = {"bridge-filter", SEVERITY_WARNING, LIKELY,
		      "The port is isolated: it reaches the bridge itself and ports that are not "
		      "isolated, and no other. Hosting platforms do so on purpose, to keep their "
		      "guests apart.",
		      "the spanning tree: all ports are forwarding"},
	[NOWHERE] = {"bridge-filter", SEVERITY_INFO, LIKELY,
		     "They were for a station behind the same port they came in by, or no port was left "
		     "to send them to. A switch beyond that port floods what it does not know; the "
		     "station has its copy. If the two ends are meant to talk through this port "
		     "(virtual machines behind one VEPA link), it needs hairpin.",
		     "the spanning tree and isolation: neither is set here"},
	[VLAN_IN] = {"bridge-vlan-filter", SEVERITY_WARNING, CERTAIN,
		     "The bridge filters VLANs, and the port does not belong to the VLAN of these "
		     "frames (untagged ones belong to its PVID, if it has one).",
		     "the spanning tree: the frames were refused before it was asked"},
	[VLAN_OUT] = {"bridge-vlan-filter", SEVERITY_INFO, POSSIBLE,
		      "The bridge filters VLANs: either the port they should leave by does not belong to "
		      "their VLAN, or they were for a station behind the port they came in by, which "
		      "is nothing to mind.",
		      "the spanning tree and isolation: neither is set here"},
	[PAUSE] = {"pause-frame-at-bridge", SEVERITY_INFO, CERTAIN,
		   "Pause frames are meant for the network card, which stops sending for a moment. Here "
		   "they came up to the bridge, so nothing heeds them: flow control is off at this "
		   "end, or a virtual link carries them. A bridge never forwards them.",
		   "data: pause frames carry none"},
};

/* ---- what happened ---- */

static uint32_t port_state(const struct snapshot *s, unsigned int ifindex)
{
	const struct link *port = snapshot_link(s, ifindex);

	return port ? link_info(port, INFO_PORT_STATE) : INFO_UNKNOWN;
}

/* A port may have begun to forward within the sample. */
static uint32_t worst_state(const struct exam *x, unsigned int ifindex)
{
	uint32_t now = port_state(&x->o->b, ifindex), before = port_state(&x->o->a, ifindex);

	if (now != BR_FORWARDING && now != INFO_UNKNOWN)
		return now;
	return before == INFO_UNKNOWN ? BR_FORWARDING : before;
}

static enum how how_by_state(uint32_t state)
{
	return state == BR_BLOCKING ? STP_BLOCKED : state == BR_DISABLED ? STP_DISABLED : STP_WAITING;
}

static bool other_port_waits(const struct exam *x, const struct link *port)
{
	vec_each(other, &x->o->b.links) {
		uint32_t state = worst_state(x, other->ifindex);

		if (other != port && other->master_ifindex == port->master_ifindex &&
		    (state == BR_LISTENING || state == BR_LEARNING))
			return true;
	}
	return false;
}

static bool set(uint32_t info)
{
	return info != INFO_UNKNOWN && info != 0;
}

/* No port to send it to: which of the rules that keep ports apart was it? */
static enum how how_no_target(const struct exam *x, const struct link *port)
{
	const struct link *bridge = device_master(x->o, port);

	if (set(link_info(port, INFO_PORT_ISOLATED)))
		return ISOLATED;
	if (other_port_waits(x, port))
		return STP_OUT;
	return bridge && set(link_info(bridge, INFO_BRIDGE_VLAN_FILTERING)) ? VLAN_OUT : NOWHERE;
}

static bool is_vlan_check(const char *symbol)
{
	return strcmp(symbol, "br_allowed_ingress") == 0 || strcmp(symbol, "__allowed_ingress") == 0;
}

static enum how how_without_reason(const struct exam *x, const struct link *port,
				   const struct drop *d)
{
	uint32_t state = worst_state(x, port->ifindex);

	if (is_vlan_check(d->symbol))
		return VLAN_IN;
	if (strcmp(d->symbol, "br_handle_frame") == 0) {
		if (d->ethertype == ETHERTYPE_PAUSE)
			return PAUSE;
		return state == BR_FORWARDING ? BAD_SOURCE : how_by_state(state);
	}
	if (strcmp(d->symbol, "br_handle_frame_finish") != 0)
		return NOT_BRIDGED;
	return state == BR_FORWARDING ? how_no_target(x, port) : how_by_state(state);
}

static enum how how_dropped(const struct exam *x, const struct link *port, const struct drop *d)
{
	if (strcmp(d->reason, "BRIDGE_INGRESS_STP_STATE") == 0)
		return how_by_state(worst_state(x, port->ifindex));
	if (strcmp(d->reason, "MAC_IEEE_MAC_CONTROL") == 0)
		return PAUSE;
	if (strncmp(d->symbol, "br_", 3) == 0 && strcmp(d->reason, "MAC_INVALID_SOURCE") == 0)
		return BAD_SOURCE;
	if (strncmp(d->symbol, "br_", 3) == 0 && strcmp(d->reason, "NO_TX_TARGET") == 0)
		return how_no_target(x, port);
	return strcmp(d->reason, "NOT_SPECIFIED") == 0 ? how_without_reason(x, port, d)
						       : NOT_BRIDGED;
}

/* ---- what one cause lost ---- */

struct bridge_look {
	uint64_t lost, received; /* received: by these ports */
	uint64_t each[HOW_N];
	const struct link *port; /* that lost most */
	uint64_t port_lost;
	uint64_t flows, to_one; /* packets of the flows kept; of them for one station alone */
};

/* One line's packets; lists end with NULL, for as long as the filter is used. */
struct line_filter {
	const char *reasons[2], *symbols[2];
	struct drop_filter filter;
};

static struct drop_filter *filter_of(const struct drop *d, struct line_filter *to)
{
	*to = (struct line_filter){.reasons = {d->reason}, .symbols = {d->symbol}};
	to->filter = (struct drop_filter){.reasons = to->reasons,
					  .symbols = to->symbols,
					  .protocol = d->protocol,
					  .ethertype = d->ethertype,
					  .ifindex = d->ifindex};
	return &to->filter;
}

static const struct link *port_of(const struct exam *x, const struct drop *d)
{
	const struct link *port = snapshot_link(&x->o->b, d->ifindex);

	return port && strcmp(port->port_kind, "bridge") == 0 ? port : NULL;
}

static bool is_ours(const struct exam *x, const struct ledger_line *line, enum how *ret)
{
	const struct link *port = port_of(x, line->drop);

	*ret = port && !line->benign ? how_dropped(x, port, line->drop) : NOT_BRIDGED;
	return *ret != NOT_BRIDGED && strcmp(how_rows[*ret].cause, x->row->id) == 0;
}

static bool to_one(const struct drop_flow *flow)
{
	if (flow->family == AF_INET6)
		return flow->destination[0] != 0xff;
	return flow->destination[0] < 224 && flow->destination[3] != 255;
}

static void look_at_flows(const struct exam *x, const struct drop *d, struct bridge_look *look)
{
	ledger_each_flow(flow, x->ledger) {
		if (flow->ifindex != d->ifindex || flow->protocol != d->protocol ||
		    strcmp(flow->reason, d->reason) != 0 || strcmp(flow->symbol, d->symbol) != 0)
			continue;
		look->flows += flow->packets;
		look->to_one += to_one(flow) ? flow->packets : 0;
	}
}

static void look_at(struct exam *x, struct bridge_look *look)
{
	vec_each(line, &x->ledger->lines) {
		uint64_t free = line->drop->packets - line->claimed;
		enum how how;

		if (!free || !is_ours(x, line, &how))
			continue;
		look->lost += free;
		look->each[how] += free;
		look_at_flows(x, line->drop, look);
	}
}

static enum how main_reason(const struct bridge_look *look)
{
	enum how most = NOT_BRIDGED;

	for (enum how h = NOT_BRIDGED + 1; h < HOW_N; h++)
		if (look->each[h] && (most == NOT_BRIDGED || look->each[h] > look->each[most]))
			most = h;
	return most;
}

static void add_port(struct exam *x, struct finding *f, struct bridge_look *look,
		     const struct link *port, uint64_t lost)
{
	struct subject *s = NULL;

	vec_each(known, &f->subjects)
		if (strcmp(known->device, port->name) == 0)
			s = known;
	if (!s) {
		s = finding_subject(f);
		memcpy(s->device, port->name, sizeof(s->device));
		s->has_lost = true;
		look->received += delta_value(delta_link(x->o, port, C_LINK_RX_PACKETS));
	}
	s->lost += lost;
	s->traced += lost;
	if (s->lost > look->port_lost) {
		look->port_lost = s->lost;
		look->port = port;
	}
}

/* Claims what is ours, and names the ports. */
static void take_all(struct exam *x, struct finding *f, struct bridge_look *look)
{
	vec_each(line, &x->ledger->lines) {
		struct line_filter one;
		uint64_t lost;
		enum how how;

		if (!is_ours(x, line, &how))
			continue;
		lost = ledger_claim(x->ledger, filter_of(line->drop, &one),
				    line->drop->packets - line->claimed);
		one.filter.ethertype = 0; /* flows do not know it */
		finding_flows(x, f, &one.filter);
		if (lost)
			add_port(x, f, look, port_of(x, line->drop), lost);
	}
}

/* ---- words ---- */

static const char *state_name(uint32_t state)
{
	static const char *const names[] = {"disabled", "listening", "learning", "forwarding",
					    "blocking"};

	return state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

static void headline(struct exam *x, struct finding *f, enum how how, const struct link *port,
		     const char *bridge)
{
	switch (how) {
	case STP_WAITING:
	case STP_BLOCKED:
		finding_headline(f, "port %s of %s is %s: it lets nothing in", port->name, bridge,
				 state_name(worst_state(x, port->ifindex)));
		break;
	case STP_DISABLED:
		finding_headline(f, "port %s is up, but its bridge %s is not", port->name, bridge);
		break;
	case STP_OUT:
		finding_headline(f, "%s cannot send on what %s brings: a port is not forwarding yet",
				 bridge, port->name);
		break;
	case BAD_SOURCE:
		finding_headline(f, "frames with an impossible source address come in by %s",
				 port->name);
		break;
	case ISOLATED:
		finding_headline(f, "port %s of %s is isolated from where its frames want to go",
				 port->name, bridge);
		break;
	case VLAN_IN:
		finding_headline(f, "frames come in by %s in a VLAN that this port of %s is not in",
				 port->name, bridge);
		break;
	case VLAN_OUT:
	case NOWHERE:
		finding_headline(f, "%s has no port to send on what comes in by %s", bridge,
				 port->name);
		break;
	default:
		finding_headline(f, "pause frames reach %s by %s", bridge, port->name);
	}
}

static void stp_remedies(struct exam *x, struct finding *f, enum how how, const struct link *bridge)
{
	uint32_t delay = link_info(bridge, INFO_BRIDGE_FORWARD_DELAY);
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	if (how == STP_BLOCKED)
		return;
	if (how == STP_DISABLED) {
		r = finding_remedy(f, "bridge-up", REMEDY_ROUTE, "bring %s up, or take its ports away",
				   bridge->name);
		remedy_command(r, "%sip link set dev %s up", enter, bridge->name);
		remedy_undo(r, "%sip link set dev %s down", enter, bridge->name);
		return;
	}
	r = finding_remedy(f, "wait", REMEDY_CAPACITY, "it passes by itself: the port forwards %.0f s after "
						       "it came up",
			   delay == INFO_UNKNOWN ? 30 : 2 * delay / HZ_OF_IFLA);
	remedy_command(r, "%sbridge link show", enter);
	r = finding_remedy(f, "stp-off", REMEDY_ROUTE,
			   "if no second way leads through %s, it needs no spanning tree", bridge->name);
	remedy_why(r, "without it ports forward as soon as they come up; one that waits already goes on "
		      "waiting until it is set down and up again");
	remedy_command(r, "%sip link set dev %s type bridge stp_state 0", enter, bridge->name);
	remedy_undo(r, "%sip link set dev %s type bridge stp_state 1", enter, bridge->name);
	remedy_risk(r, "if there is a second way, frames go round in it until the network stands "
		       "still");
}

static void filter_remedies(struct exam *x, struct finding *f, enum how how,
			    const struct link *port)
{
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	if (how == ISOLATED) {
		r = finding_remedy(f, "end-isolation", REMEDY_ROUTE,
				   "if these two are meant to reach each other: take the isolation of %s "
				   "away",
				   port->name);
		remedy_command(r, "%sbridge link set dev %s isolated off", enter, port->name);
		remedy_undo(r, "%sbridge link set dev %s isolated on", enter, port->name);
		remedy_risk(r, "what manages the bridge keeps guests apart by it, and will set it "
			       "again");
	} else if (how == BAD_SOURCE) {
		r = finding_remedy(f, "find-sender", REMEDY_CAPACITY, "find who sends such frames");
		remedy_command(r, "%stcpdump -c 20 -eni %s 'ether[6] & 1 = 1'", enter, port->name);
	}
}

static void vlan_remedies(struct exam *x, struct finding *f, const struct link *port)
{
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "see-vlans", REMEDY_ROUTE,
			   "compare the VLANs of %s with those of the frames", port->name);
	remedy_why(r, "a port of the switch that is a trunk sends more VLANs than are used here: then "
		      "nothing is missing");
	remedy_command(r, "%sbridge vlan show", enter);
	remedy_command(r, "%stcpdump -c 20 -eni %s", enter, port->name);
	r = finding_remedy(f, "add-vlan", REMEDY_ROUTE, "if they belong here: add their VLAN to %s",
			   port->name);
	remedy_command(r, "%sbridge vlan add dev %s vid ID", enter, port->name);
	remedy_undo(r, "%sbridge vlan del dev %s vid ID", enter, port->name);
	remedy_risk(r, "VLANs keep networks apart: the port then reaches that one");
}

static void words(struct exam *x, struct finding *f, enum how how, const struct link *port)
{
	const struct link *bridge = device_master(x->o, port);
	const struct how_row *row = &how_rows[how];
	char enter[96];
	struct remedy *r;

	headline(x, f, how, port, bridge ? bridge->name : "its bridge");
	finding_text(f, "%s", row->text);
	finding_exclude(f, "%s", row->excluded);
	evidence_text(f, x, "%s is %s, its bridge %s", port->name,
		      state_name(port_state(&x->o->b, port->ifindex)), bridge ? bridge->name : "?");
	switch (how) {
	case STP_WAITING:
	case STP_BLOCKED:
	case STP_DISABLED:
	case STP_OUT:
		if (bridge)
			stp_remedies(x, f, how, bridge);
		break;
	case VLAN_IN:
	case VLAN_OUT:
		vlan_remedies(x, f, port);
		break;
	case PAUSE:
		r = finding_remedy(f, "see-flow-control", REMEDY_ETHTOOL,
				   "see what the card and the switch agreed on");
		remedy_command(r, "%sethtool -a %s", entering(x, enter, sizeof(enter)), port->name);
		break;
	default:
		filter_remedies(x, f, how, port);
	}
}

static bool any_bridge(const struct exam *x)
{
	vec_each(link, &x->o->b.links)
		if (is_kind(link, "bridge"))
			return true;
	return false;
}

/* What all stations were to hear is lost to nobody in particular: switches flood it everywhere. */
static enum severity severity_of(const struct exam *x, const struct bridge_look *look, enum how how,
				 uint64_t of)
{
	double share = look->flows ? (double)look->to_one / (double)look->flows : 0;
	uint64_t meant = (uint64_t)((double)look->lost * share + 0.5);

	return MIN(how_rows[how].most, severity_of_share(x, meant, of));
}

enum outcome examine_bridge(struct exam *x)
{
	struct bridge_look look = {0};
	struct finding *f;
	enum how how;

	if (!any_bridge(x)) {
		evidence_text(NULL, x, "no bridge among %zu devices", x->o->b.links.n);
		return NOT_FOUND;
	}
	if (!tracing(x))
		return not_examined_source(x, SRC_DROPS);
	look_at(x, &look);
	if (!look.lost) {
		evidence_traced(NULL, x, "at a bridge's ports", 0);
		return NOT_FOUND;
	}
	how = main_reason(&look);
	f = finding_new(x);
	take_all(x, f, &look);
	finding_lost(f, NULL, &look.lost, MAX(look.received, look.lost));
	f->confidence = how_rows[how].confidence;
	f->severity = severity_of(x, &look, how, f->of);
	words(x, f, how, look.port);
	evidence_traced(f, x, "at the bridge", look.lost);
	return FOUND;
}
