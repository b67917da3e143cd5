// SPDX-License-Identifier: GPL-2.0-or-later
/* How connections end. */
#include "causes/capture_tell.h"

/* Limits as they are set from the factory; silences within 3 % of one are most probably ended by it. */
static const struct {
	int seconds;
	const char *whose;
} limits[] = {
	{60, "AWS application load balancers"},
	{75, "nginx (keepalive_timeout)"},
	{240, "Azure's load balancers"},
	{300, "many firewalls"},
	{350, "AWS network load balancers and NAT gateways"},
	{600, "many proxies"},
	{900, "IPVS"},
	{3600, "many firewalls"},
	{432000, "Linux's connection tracking"},
};

/* Of connections that all died of one limit none has survived a longer silence. */
static bool is_limit(const struct group *g)
{
	return g->ns_survived < g->ns_min / 100 * 97;
}

static void tell_limit(const struct group *g, struct buf *to)
{
	double least = (double)g->ns_min / 1e9;

	if (!is_limit(g)) {
		buf_printf(to, " But another was silent for %s and lived: no fixed limit explains these.",
			   seconds(g->ns_survived).s);
		return;
	}
	buf_printf(to, " The limit lies between %s, which was survived, and %s.",
		   g->ns_survived ? seconds(g->ns_survived).s : "0 s", seconds(g->ns_min).s);
	if (g->flows > 2 && g->ns_max <= g->ns_min / 100 * 103)
		buf_printf(to, " All %llu silences are within 3 %% of each other: it is a timer.", N(g->flows));
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (least >= 0.97 * limits[i].seconds && least <= 1.03 * limits[i].seconds)
			buf_printf(to, " %d s is what %s have.", limits[i].seconds, limits[i].whose);
}

static void tell_keepalive_limit(const struct group *g, struct buf *to)
{
	uint64_t ms = g->worst->detail[0];

	if (ms)
		buf_printf(to, " The keepalive came after %s, too late:", seconds((int64_t)ms * NSEC_PER_MSEC).s);
	else
		buf_puts(to, " No keepalive came before:");
	buf_puts(to, " one below that limit (net.ipv4.tcp_keepalive_time, or the program's own) keeps the "
		     "connections open.");
}

static void idle(const struct group *g, struct finding *f, const char *what)
{
	struct buf b = {0};

	tell_limit(g, &b);
	if (is_limit(g))
		tell_keepalive_limit(g, &b);
	finding_text(f, "%s%s", what, b.data);
	buf_done(&b);
	f->severity = SEVERITY_WARNING;
	f->confidence = is_limit(g) ? LIKELY : POSSIBLE;
}

void tell_reset_idle(const struct group *g, struct finding *f)
{
	struct buf b = {0};

	finding_headline(f, "connections with %s were reset after a silence", where(g).s);
	buf_printf(&b, "%llu connection%s ended by a reset of the %s after at least %s without a packet: somebody "
		       "on the way, or the %s itself, had dropped the connection for being idle.",
		   N(g->flows), S(g->flows), side(g), seconds(g->ns_min).s, side(g));
	idle(g, f, b.data);
	buf_done(&b);
}

void tell_silent_idle(const struct group *g, struct finding *f)
{
	struct buf b = {0};

	finding_headline(f, "connections with %s were dead after a silence", where(g).s);
	buf_printf(&b, "%llu connection%s: after at least %s without a packet the %s sent data, sent it again, and "
		       "nothing answered. A middlebox (firewall, NAT, load balancer) has forgotten the "
		       "connection and drops it silently, or the other host is gone.",
		   N(g->flows), S(g->flows), seconds(g->ns_min).s, side(g));
	idle(g, f, b.data);
	buf_done(&b);
}

void tell_reset_forged(const struct group *g, struct finding *f)
{
	const struct trouble *w = g->worst;

	finding_headline(f, "resets of connections with %s come from a middlebox", where(g).s);
	finding_text(f, "%llu connection%s were reset in the name of the %s, but with TTL %llu where its other "
			"packets have %llu: another machine sent it, at another distance.",
		     N(g->flows), S(g->flows), side(g), N(w->detail[0]), N(w->detail[1]));
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

void tell_reset_keepalive(const struct group *g, struct finding *f)
{
	finding_headline(f, "keepalives to the other side of %s were not answered", where(g).s);
	finding_text(f, "%llu connection%s: the %s sent keepalives, got no answer and gave up with a reset. The "
			"other side or the way to it is dead.", N(g->flows), S(g->flows), side(g));
	f->severity = SEVERITY_WARNING;
}

void tell_reset_abort(const struct group *g, struct finding *f)
{
	const struct trouble *w = g->worst;

	finding_headline(f, "connections with %s were reset", where(g).s);
	finding_text(f, "%llu connection%s were open and were reset by the %s, without a FIN. %s",
		     N(g->flows), S(g->flows), side(g),
		     w->detail[2] ? "The resets carry no ACK: a host that does not know the connection any more, "
				    "or a firewall that rejects it."
		     : w->detail[3] ? "The resets come from the living socket (window and time stamps are its own): "
				      "the program closed it with data unread, with SO_LINGER 0, or was killed."
				    : "");
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

void tell_reset_injected(const struct group *g, struct finding *f)
{
	finding_headline(f, "resets of connections with %s were injected", where(g).s);
	finding_text(f, "%llu connection%s were reset in the name of the %s, which did not do it: it sent new data "
			"after its reset (%llu), two resets with different numbers and nothing between them "
			"(%llu), or a reset with content (%llu). A machine that watches the connection made them.",
		     N(g->flows), S(g->flows), side(g), N(g->detail[0]), N(g->detail[1]), N(g->detail[2]));
	f->severity = SEVERITY_WARNING;
	f->confidence = g->detail[0] || g->detail[1] ? LIKELY : POSSIBLE;
}

void tell_reset_unknown(const struct group *g, struct finding *f)
{
	finding_headline(f, "the %s of %s no longer knew its connections", side(g), where(g).s);
	finding_text(f, "%llu connection%s: a keepalive was answered by a reset of the %s, although the connection "
			"had outlived such a pause before or the pause was short. It, or a middlebox, has "
			"lost the connection: a restart, a failover, a full table.",
		     N(g->flows), S(g->flows), side(g));
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
}

void tell_reset_closed(const struct group *g, struct finding *f)
{
	finding_headline(f, "data came for connections with %s that the %s had closed", where(g).s, side(g));
	finding_text(f, "%llu connection%s: the %s sent its FIN, the other side still sent data (%llu bytes were "
			"unacknowledged), and got a reset: the program had called close() and not shutdown(). What "
			"was sent last was not read by anybody.",
		     N(g->flows), S(g->flows), side(g), N(g->amount));
	f->confidence = LIKELY;
}

void tell_close_wait(const struct group *g, struct finding *f)
{
	finding_headline(f, "the %s of %s does not close connections", side(g), where(g).s);
	finding_text(f, "%llu connection%s: the other side's FIN was acknowledged, and for up to %s neither data nor "
			"a FIN came back. The program of the %s has not called close(): its socket stays in "
			"CLOSE_WAIT, and with it a file descriptor.",
		     N(g->flows), S(g->flows), seconds(g->ns_max).s, side(g));
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
	finding_exclude(f, "half closed connections on which data still comes");
}

void tell_fin_silent(const struct group *g, struct finding *f)
{
	finding_headline(f, "nobody acknowledged the FIN of connections with %s", where(g).s);
	finding_text(f, "%llu connection%s: all data of the %s had been acknowledged, its FIN was sent %llu times in "
			"all and never answered. The other host is gone, or a middlebox has dropped the connection.",
		     N(g->flows), S(g->flows), side(g), N(g->amount));
	f->severity = SEVERITY_INFO;
	f->confidence = LIKELY;
}
