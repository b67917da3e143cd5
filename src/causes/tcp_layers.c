// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: errors of what lies upon TCP in the kernel, Multipath TCP (net/mptcp/mib.c) and TLS
 * (net/tls/tls_proc.c). Their counters are told as they are: what each means is its makers' to say.
 */
#include "causes/stages.h"

static const char *const errors[] = {
	/* A connection that should have had several ways has one. */
	"MPTcpExt.MPCapableFallbackACK", "MPTcpExt.MPCapableFallbackSYNACK",
	"MPTcpExt.MPFallbackTokenInit", "MPTcpExt.MPCapableDataFallback", "MPTcpExt.MD5SigFallback",
	"MPTcpExt.DssFallback", "MPTcpExt.SimultConnectFallback", "MPTcpExt.FallbackFailed",
	"MPTcpExt.Blackhole", "MPTcpExt.DSSCorruptionFallback", "MPTcpExt.InfiniteMapTx",
	"MPTcpExt.InfiniteMapRx",
	/* A way could not be added, or was lost. */
	"MPTcpExt.MPJoinNoTokenFound", "MPTcpExt.MPJoinSynAckHMacFailure",
	"MPTcpExt.MPJoinAckHMacFailure", "MPTcpExt.MPJoinRejected", "MPTcpExt.MPJoinSynTxCreatSkErr",
	"MPTcpExt.MPJoinSynTxBindErr", "MPTcpExt.MPJoinSynTxConnectErr", "MPTcpExt.MismatchPortSynRx",
	"MPTcpExt.MismatchPortAckRx", "MPTcpExt.AddAddrDrop", "MPTcpExt.RmAddrDrop",
	"MPTcpExt.AddAddrTxDrop", "MPTcpExt.RmAddrTxDrop", "MPTcpExt.EchoAddTxDrop",
	"MPTcpExt.SubflowStale",
	/* Data that does not fit. */
	"MPTcpExt.DSSNotMatching", "MPTcpExt.DSSCorruptionReset", "MPTcpExt.DSSNoMatchTCP",
	"MPTcpExt.DataCsumErr", "MPTcpExt.MPFailTx", "MPTcpExt.MPFailRx", "MPTcpExt.MPFastcloseRx",
	"MPTcpExt.MPRstTx", "MPTcpExt.MPRstRx", "MPTcpExt.RcvPruned",
	"TlsExt.TlsDecryptError", "TlsExt.TlsRxDeviceResync", "TlsExt.TlsDecryptViolation",
	"TlsExt.TlsRxNoPadViolation", "TlsExt.TlsRxRekeyError", "TlsExt.TlsTxRekeyError",
};

static bool is_error(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (strcmp(errors[i], name) == 0)
			return true;
	return false;
}

/* What was not there at the beginning has counted from zero: the file comes with the first use. */
static struct change grown(const struct exam *x, const struct unknown_counter *after)
{
	vec_each(before, &x->o->a.unknown_counters)
		if (before->source == after->source && strcmp(before->name, after->name) == 0)
			return change_of(before->value, after->value, 64);
	return change_of(0, after->value, 64);
}

enum outcome examine_tcp_layers(struct exam *x)
{
	const char *first = NULL;
	struct finding *f = NULL;
	struct remedy *r;
	unsigned int n = 0;

	vec_each(c, &x->o->b.unknown_counters) {
		struct change change = {0};

		if (c->source == SRC_NETSTAT && is_error(c->name))
			change = grown(x, c);
		if (!change.known || !change.delta)
			continue;
		f = f ? f : finding_new(x);
		first = first ? first : c->name;
		n++;
		evidence_change(f, x,
				strncmp(c->name, "Tls", 3) ? "/proc/net/netstat" : "/proc/net/tls_stat",
				c->name, change);
	}
	if (!f) {
		evidence_text(NULL, x, "none of %zu error counters of MPTCP and TLS moved",
			      ARRAY_SIZE(errors));
		return NOT_FOUND;
	}
	f->state = AT_RISK;
	f->severity = SEVERITY_INFO;
	f->confidence = POSSIBLE;
	if (n > 1)
		finding_headline(f, "error counters of MPTCP or kernel TLS moved: %s and %u more", first,
				 n - 1);
	else
		finding_headline(f, "an error counter of MPTCP or kernel TLS moved: %s", first);
	finding_text(f, "Multipath TCP goes on as plain TCP where it cannot have a second way, and TLS ends a "
			"connection whose data is not genuine. These are the kernel's own counts.");
	r = finding_remedy(f, "see-what-it-counts", REMEDY_APPLICATION,
			   "see which connections they are, and what their programs log");
	remedy_why(r, "no packet is known to be lost by it");
	remedy_command(r, "ss -tiM");
	return FOUND;
}
