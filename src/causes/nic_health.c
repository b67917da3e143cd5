// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage link: the card itself, its driver, its offloads and the bus it sits on. */
#include <stdio.h>

#include "causes/cards.h"
#include "causes/enter.h"
#include "causes/stages.h"

static bool logged(const struct observation *o, enum kernel_log_id id,
		   const struct kernel_log_line **ret)
{
	*ret = o->since_boot ? NULL : kernel_log_last(&o->b, id, kernel_log_end(&o->a));
	return *ret;
}

/* Does a line of the log name the device as a word: "eth1", not "eth10"? */
static bool line_names(const struct kernel_log_line *line, const char *device)
{
	size_t n = strlen(device);

	for (const char *p = line ? strstr(line->text, device) : NULL; p; p = strstr(p + 1, device))
		if ((p == line->text || p[-1] == ' ') && strchr(" :(", p[n]))
			return true;
	return false;
}

/* ---- nic-tx-timeout ---- */

static void timeout_remedies(struct finding *f, const char *device)
{
	struct remedy *r;

	r = finding_remedy(f, "update-driver", REMEDY_CAPACITY,
			   "newer firmware and driver for %s; look at its slot, power and IOMMU",
			   device);
	remedy_why(r, "the card did not say for seconds that it had sent anything");
	remedy_command(r, "dmesg | grep -iE 'watchdog|aer|iommu|%s'", device);
	remedy_command(r, "ethtool -i %s", device);
	r = finding_remedy(f, "without-tso", REMEDY_ETHTOOL,
			   "for a test: without segmentation in the card on %s", device);
	remedy_why(r, "some cards get stuck on certain large packets");
	remedy_command(r, "ethtool -K %s tso off", device);
	remedy_undo(r, "ethtool -K %s tso on", device);
	remedy_cost(r, "more CPU time for the same traffic");
}

/* net/sched/sch_generic.c dev_watchdog(): the driver resets the queue, what was in it is gone. */
enum outcome examine_nic_tx_timeout(struct exam *x)
{
	const struct kernel_log_line *line;
	struct finding *f = NULL;
	uint64_t timeouts = 0;
	const char *device = "a card";

	logged(x->o, KERNEL_LOG_TX_TIMEOUT, &line);
	vec_each (link, &x->o->b.links) {
		struct card_sum sum;

		if (!is_card(link))
			continue;
		card_sum(x->o, link, 1U << NIC_TIMEOUT, &sum);
		if (sum.lost || line_names(line, link->name)) {
			f = f ? f : finding_new(x);
			memcpy(finding_subject(f)->device, link->name, sizeof(link->name));
			card_evidence(x, f, &sum);
			device = link->name;
			timeouts += sum.lost;
		}
		card_sum_done(&sum);
	}
	if (!f && !line) {
		evidence_text(NULL, x, "no driver counts a stuck queue, and the log names none");
		return NOT_FOUND;
	}
	if (!f) {
		f = finding_new(x);
		finding_subject(f);
	}
	/* How many packets the rings held, nobody tells. */
	f->severity = SEVERITY_CRITICAL;
	f->confidence = timeouts || line ? CERTAIN : LIKELY;
	finding_headline(f, "a transmit queue of %s was stuck and had to be reset", device);
	finding_text(f, "For seconds the card sent nothing of what it was given. The driver reset it; "
			"what was in the ring is lost, how much is not counted, and nothing was "
			"received for a moment either.");
	evidence_log(f, x, KERNEL_LOG_TX_TIMEOUT);
	timeout_remedies(f, device);
	return FOUND;
}

/* ---- nic-csum-offload-errors ---- */

static uint64_t refused_by_kernel(const struct observation *o)
{
	static const enum counter_id ids[] = {C_TCP_IN_CSUM_ERRORS, C_UDP_IN_CSUM_ERRORS,
					      C_UDP6_IN_CSUM_ERRORS, C_ICMP_IN_CSUM_ERRORS,
					      C_ICMP6_IN_CSUM_ERRORS};
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		sum += delta_value(delta_counter(o, ids[i]));
	return sum;
}

/* Most cards hand such packets on; a few throw them away, and their names say so. */
static uint64_t thrown_away(const struct observation *o, const struct link *link)
{
	const struct nic *nic = card_of(o, link);
	uint64_t sum = 0;

	if (nic)
		vec_each (stat, &nic->stats) {
			const struct nic_stat_row *row = nic_stat_row(nic->driver, stat->name);

			if (row && row->class == NIC_CSUM &&
			    (strstr(stat->name, "drop") || strstr(stat->name, "discard")))
				sum += delta_value(delta_nic_stat(o, nic, stat));
		}
	return sum;
}

static void csum_remedies(struct exam *x, struct finding *f, const char *device, bool broken)
{
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	if (broken) {
		r = finding_remedy(f, "check-in-software", REMEDY_ETHTOOL,
				   "let the kernel check all checksums itself on %s", device);
		remedy_why(r, "the log says \"hw csum failure\": the card's word was wrong");
		remedy_command(r, "%sethtool -K %s rx off", enter, device);
		remedy_undo(r, "%sethtool -K %s rx on", enter, device);
		remedy_change(r, "ethtool", "on", "off", "%s:feature.rx-checksum", device);
		remedy_cost(r, "CPU time for each packet");
		return;
	}
	r = finding_remedy(f, "find-sender", REMEDY_CAPACITY,
			   "find who sends such packets, if the kernel refuses any");
	remedy_why(r, "wrong checksums without damaged frames are made by a host, a card or a router's "
		      "memory, not by a cable");
	remedy_command(r, "%stcpdump -c 20 -vvni %s | grep -iE 'bad|incorrect'", enter, device);
}

enum outcome examine_nic_csum(struct exam *x)
{
	const struct kernel_log_line *line;
	uint64_t seen = 0, lost = 0, of = 0;
	struct finding *f = NULL;
	const char *device = NULL;
	bool broken = logged(x->o, KERNEL_LOG_HW_CSUM, &line);

	vec_each (link, &x->o->b.links) {
		struct card_sum sum;

		if (!is_card(link))
			continue;
		card_sum(x->o, link, 1U << NIC_CSUM, &sum);
		if (sum.lost || (broken && line_names(line, link->name))) {
			struct subject *s;

			f = f ? f : finding_new(x);
			s = finding_subject(f);
			memcpy(s->device, link->name, sizeof(s->device));
			s->lost = thrown_away(x->o, link);
			s->has_lost = s->lost > 0;
			card_evidence(x, f, &sum);
			seen += sum.lost;
			lost += s->lost;
			of += delta_value(delta_link(x->o, link, C_LINK_RX_PACKETS)) + s->lost;
			device = device ? device : link->name;
		}
		card_sum_done(&sum);
	}
	if (!f) {
		evidence_text(NULL, x, "no card tells of a wrong checksum");
		return NOT_FOUND;
	}
	finding_lost(f, &lost, NULL, of);
	f->severity = lost ? severity_of_share(x, lost, of) : SEVERITY_INFO;
	if (!lost && !x->o->since_boot)
		f->state = AT_RISK;
	finding_headline(f, "%s finds packets with wrong checksums", device);
	finding_text(f,
		     "The card says so of %llu packets. %s: of all packets the kernel refused %llu for "
		     "their checksum, and those are losses of their own (tcp-csum-error, udp-csum).",
		     (unsigned long long)seen,
		     lost ? "Some it threw away itself; the rest the kernel checks again"
			  : "The kernel checks them again",
		     (unsigned long long)refused_by_kernel(x->o));
	if (broken)
		evidence_log(f, x, KERNEL_LOG_HW_CSUM);
	csum_remedies(x, f, device, broken);
	return FOUND;
}

/* ---- nic-driver-firmware ---- */

/* Advice, and only where something of the card is accused already. */
enum outcome examine_nic_driver(struct exam *x)
{
	const struct finding *stuck = finding_here(x, "nic-tx-timeout");
	const struct kernel_log_line *line;
	struct finding *f = NULL;

	logged(x->o, KERNEL_LOG_HW_CSUM, &line);
	for (size_t i = 0; i < x->o->b.nics.n; i++) {
		const struct nic *nic = &x->o->b.nics.items[i];
		const struct link *link = snapshot_link(&x->o->b, nic->ifindex);
		struct card_sum faults;
		struct remedy *r;

		if (!link || !is_card(link))
			continue;
		card_sum(x->o, link, 1U << NIC_FAULT, &faults);
		if (faults.lost || names_device(stuck, link->name) || line_names(line, link->name)) {
			bool first = !f;

			f = f ? f : finding_new(x);
			stuck = finding_here(x, "nic-tx-timeout"); /* it may have moved */
			f->state = AT_RISK;
			f->confidence = POSSIBLE;
			memcpy(finding_subject(f)->device, link->name, sizeof(link->name));
			card_evidence(x, f, &faults);
			evidence_text(f, x, "%s: driver %s, firmware %s", link->name, nic->driver,
				      nic->firmware[0] ? nic->firmware : "not told");
			if (first) {
				finding_headline(f, "the card %s or its driver makes errors",
						 link->name);
				finding_text(f, "That is no cable, no full ring and no setting: "
						"newer firmware or a newer driver may be the cure. "
						"Read their release notes first.");
				r = finding_remedy(f, "update-driver", REMEDY_CAPACITY,
						   "newer firmware and driver for %s", link->name);
				remedy_why(r, "driver %s, firmware %s", nic->driver,
					   nic->firmware[0] ? nic->firmware : "not told");
				remedy_command(r, "ethtool -i %s", link->name);
				remedy_command(r, "devlink health show");
				remedy_risk(r, "the link is down meanwhile; keep the old version");
			}
		}
		card_sum_done(&faults);
	}
	if (!f)
		evidence_text(NULL, x, "no card counts an error of its own or of its driver");
	return f ? FOUND : NOT_FOUND;
}

/* ---- offload-segmentation ---- */

static const char *const segment_reasons[] = {"SKB_GSO_SEG", "SKB_BAD_GSO", NULL};
static const struct drop_filter segment_drops = {.reasons = segment_reasons};
static const char *const no_reasons[] = {"NOT_SPECIFIED", NULL};
static const char *const forward_symbols[] = {"ip_forward", "ip6_forward", NULL};

static struct drop_filter merged_drops(const struct link *link)
{
	return (struct drop_filter){.reasons = no_reasons,
				    .symbols = forward_symbols,
				    .ifindex = link->ifindex};
}

static bool merges_and_forwards(const struct exam *x, const struct link *link)
{
	const struct nic *nic = card_of(x->o, link);

	return nic && link->forwarding == 1 && nic->features_on & 1U << NF_LRO;
}

/* What LRO put together cannot be taken apart for another link: the kernel refuses it. */
static uint64_t add_merging(struct exam *x, struct finding **f, const char **ret_device)
{
	uint64_t refused = 0;

	vec_each (link, &x->o->b.links) {
		struct drop_filter merged = merged_drops(link);
		char enter[96];
		struct remedy *r;
		uint64_t own;

		if (!merges_and_forwards(x, link))
			continue;
		*f = *f ? *f : finding_new(x);
		own = ledger_claim(x->ledger, &merged, UINT64_MAX);
		refused += own;
		memcpy(finding_subject(*f)->device, link->name, sizeof(link->name));
		evidence_text(*f, x, "%s: rx-lro on, forwarding on", link->name);
		evidence_traced(*f, x, "at ip_forward, merged by LRO", own);
		if (*ret_device)
			continue;
		*ret_device = link->name;
		r = finding_remedy(*f, "lro-off", REMEDY_ETHTOOL, "LRO off on %s", link->name);
		remedy_why(r, "the kernel turns it off when forwarding is turned on; somebody turned "
			      "it on again. GRO does the same and can be undone");
		entering(x, enter, sizeof(enter));
		remedy_command(r, "%sethtool -K %s lro off", enter, link->name);
		remedy_undo(r, "%sethtool -K %s lro on", enter, link->name);
		remedy_change(r, "ethtool", "on", "off", "%s:feature.rx-lro", link->name);
		remedy_cost(r, "some CPU time");
	}
	return refused;
}

enum outcome examine_offload_segmentation(struct exam *x)
{
	uint64_t forwarded = delta_value(delta_sum(x->o, C_IP_FORW_DATAGRAMS, C_IP6_OUT_FORW_DATAGRAMS));
	struct finding *f = NULL;
	const char *device = NULL;
	uint64_t refused = add_merging(x, &f, &device), segmented, lost;
	struct remedy *r;

	segmented = ledger_claim(x->ledger, &segment_drops, UINT64_MAX);
	lost = refused + segmented;
	if (!f && !lost) {
		evidence_traced(NULL, x, "SKB_GSO_SEG, SKB_BAD_GSO", 0);
		evidence_text(NULL, x, "no device that forwards has LRO on");
		return NOT_FOUND;
	}
	f = f ? f : finding_new(x);
	finding_lost(f, NULL, &lost, lost + forwarded);
	f->severity = severity_of_share(x, lost, f->of);
	if (!lost && !x->o->since_boot)
		f->state = AT_RISK;
	/* causes.md 14: LRO on a router is a warning; where it forwards something. */
	if (device && forwarded)
		f->severity = MAX(f->severity, SEVERITY_WARNING);
	if (device) {
		finding_headline(f, "%s merges packets (LRO) that this host should forward", device);
		finding_text(f, "What LRO merged is refused when it is to be forwarded.");
	} else {
		finding_headline(f, "large packets could not be cut to size");
		finding_text(f, "A packet that stands for many (GSO) could not be segmented for the "
				"device it should leave by.");
		subject_devices(x, f, &segment_drops);
	}
	if (!segmented)
		return FOUND;
	evidence_traced(f, x, "SKB_GSO_SEG, SKB_BAD_GSO", segmented);
	r = finding_remedy(f, "test-without-offload", REMEDY_ETHTOOL,
			   "for a test of minutes: without segmentation in card and kernel");
	remedy_why(r, "if the drops stop, a driver or a tunnel builds packets that cannot be cut");
	remedy_command(r, "ethtool -K DEVICE tso off gso off");
	remedy_undo(r, "ethtool -K DEVICE tso on gso on");
	remedy_cost(r, "much more CPU time for the same traffic");
	finding_flows(x, f, &segment_drops);
	return FOUND;
}

/* ---- pcie-bottleneck ---- */

static bool bus_was_late(const struct exam *x, const struct link *link, struct card_sum *ret)
{
	card_sum(x->o, link, 1U << NIC_BUS, ret);
	return ret->lost;
}

/* The card's own buffer ran over, its rings had room, and it counts that the bus was late. */
bool explains_pcie_bottleneck(struct exam *x, const struct finding *f, const struct subject *s)
{
	const struct link *link = snapshot_link_named(&x->o->b, s->device);
	struct card_sum port, bus;
	bool explains;

	if (strcmp(f->cause->id, "ring-rx-overflow") != 0 || !link)
		return false;
	card_sum(x->o, link, 1U << NIC_PORT_BUFFER, &port);
	explains = port.lost > s->lost / 2 && bus_was_late(x, link, &bus);
	if (port.lost > s->lost / 2)
		card_sum_done(&bus);
	card_sum_done(&port);
	return explains;
}

void describe_pcie_bottleneck(struct exam *x, struct finding *f)
{
	const struct link *link = snapshot_link_named(&x->o->b, first_of(f)->device);
	const struct nic *nic = link ? card_of(x->o, link) : NULL;
	struct card_sum bus;
	struct remedy *r;

	finding_headline(f, "%s does not get its packets into memory fast enough",
			 first_of(f)->device);
	finding_text(f, "The buffer of the card ran over while its rings had room: it waited for the "
			"bus (PCIe) or for memory. Neither a longer ring nor another CPU helps.");
	f->confidence = LIKELY;
	if (link) {
		bus_was_late(x, link, &bus);
		card_evidence(x, f, &bus);
		card_sum_done(&bus);
	}
	r = finding_remedy(f, "better-slot", REMEDY_CAPACITY,
			   "%s in a slot of its own width and speed, near the CPUs that use it",
			   first_of(f)->device);
	remedy_why(r, "a slot that is narrower or slower than the card, or another node's memory, is "
		      "the usual reason");
	remedy_command(r, "lspci -vv -s %s | grep -E 'LnkCap|LnkSta'    (\"downgraded\"?)",
		       nic && nic->bus[0] ? nic->bus : "ADDRESS");
	remedy_command(r, "cat /sys/class/net/%s/device/numa_node", first_of(f)->device);
	remedy_cost(r, "the host is down meanwhile");
}
