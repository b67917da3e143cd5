// SPDX-License-Identifier: GPL-2.0-or-later
/* One connection: a line for each packet, and the story of the whole. */
#include <netinet/in.h>
#include <stdio.h>

#include "render/capture.h"
#include "render/fmt.h"

#define N(n) ((unsigned long long)(n))

static const struct {
	uint32_t note;
	const char *words, *meaning;
} note_rows[] = {
	{NOTE_SYN_AGAIN, "SYN again", "no answer came in time; Linux waits 1 s first"},
	{NOTE_FAST, "sent again: fast", "the receiver's ACKs (SACK, duplicates, RACK) said that it was lost"},
	{NOTE_TLP, "sent again: tail loss probe", "after about two round trips of silence, the last segment once more"},
	{NOTE_RTO, "sent again: timeout", "nothing came until the retransmission timer ran out"},
	{NOTE_RTO_RECOVERY, "sent again: after the timeout", "what was under way at the timeout counts as lost"},
	{NOTE_LOST_AGAIN, "sent again: lost once more", "later data was SACKed, and the repair itself was lost"},
	{NOTE_AGAIN_UNKNOWN, "sent again", "seen before; what made the sender repeat it is not in the capture"},
	{NOTE_SPURIOUS, "needlessly", "its bytes had been acknowledged already"},
	{NOTE_DUPLICATE, "the same packet twice", "same IP identification: doubled by the network or the capture"},
	{NOTE_REORDERED, "overtaken", "sent before packets that came earlier, as its identification or time stamp says"},
	{NOTE_LATE, "sent again: lost before the capture", "fills a hole; its first copy did not come as far as here"},
	{NOTE_HOLE, "leaves a hole", "bytes in front of it are missing: lost, overtaken or not captured"},
	{NOTE_GAP, "acknowledges what is not in the capture", "the receiver had it: the capture missed it"},
	{NOTE_DUP_ACK, "duplicate ACK", "the receiver still waits for the same byte, and got others"},
	{NOTE_DSACK, "D-SACK", "the receiver got something twice"},
	{NOTE_ZERO_WINDOW, "closes its window", "its receive buffer is full"},
	{NOTE_WINDOW_OPENS, "opens its window", "its program has read"},
	{NOTE_PROBE, "window probe", "asks whether the window is still closed"},
	{NOTE_KEEPALIVE, "keepalive", "asks whether the other side still lives"},
	{NOTE_RESET, "reset", "ends the connection at once"},
	{NOTE_CHALLENGE, "about an older connection", "the port had one before, which the other side still knows"},
	{NOTE_AFTER_RESET, "after the reset", "its sender has not seen the reset, or it was forged"},
	{NOTE_OPEN, "open", "the handshake is complete"},
};

void capture_notes(uint32_t notes, struct buf *ret)
{
	const char *comma = "";

	for (size_t i = 0; i < ARRAY_SIZE(note_rows); i++)
		if (notes & note_rows[i].note) {
			buf_printf(ret, "%s%s", comma, note_rows[i].words);
			comma = ", ";
		}
}

static void flag_letters(uint8_t flags, char *to)
{
	static const char letters[] = "FSRP.UEW";

	for (int i = 0; i < 8; i++)
		if (flags & 1 << i)
			*to++ = letters[i];
	*to = '\0';
}

static void explain(const struct flow *f, const struct cap_packet *p, uint32_t notes, struct buf *ret)
{
	const struct half *h = &f->half[p->from];

	if (p->kind != PACKET_TCP)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(note_rows); i++)
		if (notes & note_rows[i].note)
			buf_printf(ret, "%22s%s: %s\n", "", note_rows[i].words, note_rows[i].meaning);
	buf_printf(ret, "%22sTTL %u, IP identification %u, sequence %u, acknowledgement %u", "", p->ttl, p->id,
		   p->seq, p->ack);
	if ((h->bits & HALF_SCALED) && !(p->flags & TCP_SYN))
		buf_printf(ret, ", window %llu bytes", N(p->window) << h->scale);
	else if (f->bits & FLOW_MIDSTREAM)
		buf_puts(ret, ", scale of the window unknown (no SYN seen)");
	if (p->mss)
		buf_printf(ret, ", MSS %u", p->mss);
	if (p->has_ts)
		buf_printf(ret, ", time stamps %u %u", p->tsval, p->tsecr);
	for (size_t i = 0; i < p->sacks; i++)
		buf_printf(ret, ", SACK %u-%u", p->sack[i].from - f->half[!p->from].isn,
			   p->sack[i].to - f->half[!p->from].isn);
	buf_puts(ret, "\n");
}

void render_capture_packet(const struct flow *f, const struct cap_packet *p, uint32_t notes,
			   bool verbose, struct buf *ret)
{
	const struct half *h = &f->half[p->from], *peer = &f->half[!p->from];
	uint64_t window = (uint64_t)p->window << (h->bits & HALF_SCALED && !(p->flags & TCP_SYN) ? h->scale : 0);
	struct buf words = {0};
	char flags[9];

	buf_printf(ret, "%8llu %12.6f %s ", N(p->number), (double)(p->at_ns - f->first_ns) / 1e9,
		   p->from == f->client ? "-->" : "<--");
	if (p->kind == PACKET_ICMP_ERROR) {
		buf_printf(ret, "ICMP error, type %u code %u\n", p->icmp_type, p->icmp_code);
		return;
	}
	if (p->kind == PACKET_UDP) {
		buf_printf(ret, "%u bytes\n", p->payload);
		return;
	}
	flag_letters(p->flags, flags);
	buf_printf(ret, "%-4s seq %u", flags, p->seq - h->isn);
	if (p->flags & TCP_ACK)
		buf_printf(ret, " ack %u", p->ack - peer->isn);
	buf_printf(ret, " len %u win %llu", p->payload, N(window));
	capture_notes(notes, &words);
	buf_printf(ret, "%s%s\n", words.len ? "   " : "", words.len ? words.data : "");
	buf_done(&words);
	if (verbose)
		explain(f, p, notes, ret);
}

/* ---- the story ---- */

static double ms(int64_t ns)
{
	return (double)ns / 1e6;
}

static void handshake(const struct flow *f, struct buf *b)
{
	if (f->bits & FLOW_MIDSTREAM) {
		buf_puts(b, "It was open before the capture began: windows cannot be scaled, and who began it is a "
			    "guess. ");
		return;
	}
	buf_printf(b, "SYN in packet %llu", N(f->first_packet));
	if (f->syns > 1)
		buf_printf(b, ", sent %u times over %.1f s", f->syns, (double)(f->last_syn_ns - f->syn_ns) / 1e9);
	if (f->synack_ns)
		buf_printf(b, "; SYN-ACK %.3f ms later", ms(f->synack_ns - f->last_syn_ns > 0 ? f->synack_ns - f->last_syn_ns
										       : f->synack_ns - f->syn_ns));
	if (f->synacks > 1)
		buf_printf(b, ", sent %u times", f->synacks);
	if (f->opened_ns)
		buf_printf(b, "; ACK after %.3f ms", ms(f->opened_ns - f->synack_ns));
	if (f->opened_ns && f->data_ns)
		buf_printf(b, "; first data after %.3f ms", ms(f->data_ns - f->opened_ns));
	if (!f->synack_ns && !(f->bits & FLOW_RESET))
		buf_puts(b, f->icmp_packet ? "; an ICMP error answered" : "; no SYN-ACK");
	else if (f->synack_ns && !f->opened_ns)
		buf_puts(b, "; the ACK that opens it is missing");
	buf_puts(b, ". ");
}

static void held_up(const struct half *h, const struct half *peer, struct buf *b)
{
	double ceiling = tcp_ceiling_mbit(h, peer);
	unsigned int percent[HELD_N];

	if (!tcp_limited_percent(h, percent))
		return;
	buf_printf(b, "; held up by its program %u %%, the receiver's window %u %%, the network %u %% of the time%s",
		   percent[HELD_APP], percent[HELD_WINDOW], percent[HELD_NETWORK],
		   tcp_near_sender(h, peer) ? "" : " (about: the capture is nearer to the receiver)");
	if (ceiling)
		buf_printf(b, "; the receiver's window allows %.1f Mbit/s", ceiling);
}

static void direction(const struct flow *f, uint8_t end, struct buf *b)
{
	const struct half *h = &f->half[end];

	buf_printf(b, "The %s sent %s packets, %s bytes in %s segments", end == f->client ? "client" : "server",
		   fmt_count(h->packets).s, fmt_count(h->bytes).s, fmt_count(h->segments).s);
	if (h->srtt_ns)
		buf_printf(b, ", answered after %.3f ms (at least %.3f)", ms(h->srtt_ns), ms(h->rtt_min_ns));
	if (h->again_sum)
		buf_printf(b, "; sent again %u: SYN %u, fast %u, tail loss probe %u, timeout %u, after a timeout %u, "
			      "other %u",
			   h->again_sum, h->again[AGAIN_SYN], h->again[AGAIN_FAST], h->again[AGAIN_TLP],
			   h->again[AGAIN_RTO], h->again[AGAIN_RTO_RECOVERY],
			   h->again[AGAIN_LOST] + h->again[AGAIN_UNKNOWN]);
	if (h->late)
		buf_printf(b, "; lost before the capture %u", h->late);
	if (h->reordered)
		buf_printf(b, "; overtaken %u", h->reordered);
	if (h->duplicates)
		buf_printf(b, "; twice in the capture %u", h->duplicates);
	if (h->gaps)
		buf_printf(b, "; gaps of the capture %u", h->gaps);
	if (h->dup_acks)
		buf_printf(b, "; got %u duplicate ACKs (%u at most in a row)", h->dup_acks, h->dup_run_max);
	if (h->zeros)
		buf_printf(b, "; closed its window %u times, %.3f ms at the longest", h->zeros, ms(h->zero_max_ns));
	if (h->stall_ns)
		buf_printf(b, "; stood still for %.3f ms in front of a closed window", ms(h->stall_ns));
	if (h->segments >= 10)
		held_up(h, &f->half[!end], b);
	buf_puts(b, ". ");
}

static void time_wait(const struct flow *f, struct buf *b)
{
	bool client = end_holds_time_wait(f, f->client), server = end_holds_time_wait(f, !f->client);

	if (client && server)
		buf_puts(b, ", the other side at the same time: both hold TIME_WAIT. ");
	else if (client || server)
		buf_puts(b, " and holds TIME_WAIT. ");
	else if (f->half[0].bits & f->half[1].bits & HALF_FIN)
		buf_puts(b, ", and then the other side. ");
	else
		buf_puts(b, "; the other side did not. ");
}

static void ending(const struct flow *f, struct buf *b)
{
	if (f->keepalive_first_ms) {
		buf_printf(b, "The %s sent its first keepalive after a pause of %.3f s",
			   f->keepalive_by == f->client ? "client" : "server", f->keepalive_first_ms / 1e3);
		if (f->keepalive_gap_ms)
			buf_printf(b, ", the last %.3f s after the one before it", f->keepalive_gap_ms / 1e3);
		buf_puts(b, ". ");
	}
	if (f->closer != 2) {
		buf_printf(b, "The %s closed first, in packet %llu", f->closer == f->client ? "client" : "server",
			   N(f->fin_packet));
		if (f->half[f->closer].fins > 1)
			buf_printf(b, " (its FIN was sent %u times)", f->half[f->closer].fins);
		if (f->bits & FLOW_HALF_CLOSED)
			buf_puts(b, ", and still got data (half close)");
		time_wait(f, b);
	}
	if (f->bits & FLOW_RESET)
		buf_printf(b, "Reset by the %s in packet %llu, %.3f s after the packet before it. ",
			   f->reset.by == f->client ? "client" : "server", N(f->reset.packet),
			   (double)f->reset.idle_ns / 1e9);
	else if (f->closer == 2 && (f->bits & (FLOW_ESTABLISHED | FLOW_MIDSTREAM)))
		buf_puts(b, "It was open when the capture ended. ");
}

void render_capture_flow(const struct flow *f, const struct text_style *style, struct buf *ret)
{
	struct out out = {ret, style};
	struct buf b = {0};

	buf_puts(ret, "\n");
	if (f->key.protocol == IPPROTO_UDP) {
		buf_printf(&b, "%llu datagrams of the client, %llu of the server.",
			   (unsigned long long)f->half[f->client].packets,
			   (unsigned long long)f->half[!f->client].packets);
	} else {
		handshake(f, &b);
		direction(f, f->client, &b);
		direction(f, !f->client, &b);
		ending(f, &b);
	}
	out_wrap(&out, 0, 0, b.data);
	buf_done(&b);
}
