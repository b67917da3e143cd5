// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/tcp_lines.h"

#include <arpa/inet.h>
#include <stdio.h>

void tcp_lines_done(struct tcp_lines *l)
{
	vec_done(&l->lines);
	*l = (struct tcp_lines){0};
}

const char *tcp_line_kind_name(enum tcp_line_kind kind)
{
	static const char *const names[] = {
		[TCP_RETRANSMITTED] = "retransmitted",
		[TCP_RETRANSMIT_FAILED] = "retransmit-failed",
		[TCP_RESET_SENT] = "reset-sent",
		[TCP_RESET_RECEIVED] = "reset-received",
		[TCP_ACCEPTED] = "accepted",
		[TCP_CONNECTED] = "connected",
		[TCP_CONNECT_FAILED] = "connect-failed",
		[TCP_ENDED] = "ended",
		[TCP_CLOSED_HERE] = "closed-here",
		[TCP_CLOSED_BY_PEER] = "closed-by-peer",
	};

	return kind < ARRAY_SIZE(names) ? names[kind] : "?";
}

/* include/net/tcp_states.h, as ss and netstat call them. */
const char *tcp_state_name(uint8_t state)
{
	static const char *const names[] = {
		"no socket", "ESTABLISHED", "SYN_SENT",	  "SYN_RECV", "FIN_WAIT1",
		"FIN_WAIT2", "TIME_WAIT",   "CLOSE",	  "CLOSE_WAIT", "LAST_ACK",
		"LISTEN",    "CLOSING",	    "SYN_RECV", /* TCP_NEW_SYN_RECV */
	};

	return state < ARRAY_SIZE(names) ? names[state] : "?";
}

const char *tcp_line_peer(const struct tcp_line *l, char *to, size_t size)
{
	char address[INET6_ADDRSTRLEN];

	if (!l->family || !inet_ntop(l->family, l->peer, address, sizeof(address)))
		return NULL;
	snprintf(to, size, "%s/%u", address, l->peer_bits);
	return to;
}
