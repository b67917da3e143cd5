/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One socket in words: all that the kernel tells of it, topic by topic. */
#ifndef WHYDROP_RENDER_SOCKET_WORDS_H
#define WHYDROP_RENDER_SOCKET_WORDS_H

#include <jansson.h>

#include "model/connection.h"
#include "render/fmt.h"
#include "render/render.h"

/* Nothing of it is owned. */
struct socket_view {
	const struct socket *sk;
	const struct socket_extra *extra; /* NULL: not known */
	const struct tcp_settings *settings;
	const struct process *owner; /* NULL: see owner_note */
	unsigned int owners;	     /* processes that hold it; 0: none known */
	const char *owner_note;	     /* why none is named, "" or NULL: nobody asked */
	const char *device;	     /* it is bound to, "" none */
	const char *netns;	     /* "" our own */
};

struct socket_word {
	const char *topic; /* "cwnd"; a constant */
	char *text;
};
struct socket_words {
	VEC(struct socket_word) list;
};
void socket_words(const struct socket_view *v, struct socket_words *ret);
void socket_words_done(struct socket_words *w);

void socket_word(struct socket_words *w, const char *topic, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* socket_words_state.c: what its state means, and what its timer will do. */
void socket_state_words(const struct socket_view *v, struct socket_words *w);
void socket_timer_words(const struct socket_view *v, struct socket_words *w);
/* socket_words_path.c: rates, loss and the windows of a connection. */
void socket_path_words(const struct socket_view *v, struct socket_words *w);

/* "10.0.0.1:443", "[::1]:53"; "10.0.0.1:443 (IPv6 socket)" is left to the caller. */
void socket_endpoint_words(const struct socket *sk, bool remote, struct buf *to);
/* A socket of IPv6 whose peer speaks IPv4. */
bool socket_is_v4_mapped(const struct socket *sk);
/* A listener of IPv6 that takes connections of IPv4, too. */
bool socket_is_dual_stack(const struct socket *sk);
const char *socket_kind_name(const struct socket *sk); /* "tcp", "udp", "raw", "packet" */
const char *socket_state_meaning(uint8_t state);	/* of TCP: "waits for connections" */
const char *socket_state_name(const struct socket *sk); /* "ESTABLISHED"; "-" where none applies */

struct fmt fmt_us(uint64_t us);	       /* 0.412 ms, 12.3 ms, 3,264 ms, 120.0 s */
struct fmt fmt_ms(uint64_t ms);
struct fmt fmt_bytes(uint64_t bytes);  /* 14,480 bytes, 1.2 MiB */
struct fmt fmt_bits(double bytes_per_second); /* 9.2 Mbit/s */

/* `whydrop sockets --detail`. */
void render_socket_text(const struct socket_view *v, const struct text_style *style,
			struct buf *ret);
/* Parts of a socket in any document: null where nothing is known. */
json_t *socket_memory_json(const struct socket *sk);
json_t *socket_timer_json(const struct socket *sk);
json_t *socket_tcp_json(const struct socket *sk);
/* The "socket" of schema whydrop.sockets/1 with --detail. */
json_t *render_socket_json(const struct socket_view *v);

#endif
