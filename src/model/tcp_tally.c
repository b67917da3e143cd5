// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/tcp_tally.h"

#include <sys/socket.h>

#include "model/snapshot.h"

/* The idle limits of balancers and firewalls, and the kernel's own times, begin steps. */
const uint32_t age_steps_s[AGE_STEPS] = {
	0,   1,	  2,   5,    10,   20,	 30,   60,    90,    120,   180,
	240, 300, 350, 600, 900, 1800, 3600, 7200, 43200, 86400, 432000,
};

static void add_age(struct tcp_ages *a, uint32_t ms)
{
	size_t step = AGE_STEPS - 1;

	while (step > 0 && ms / 1000 < age_steps_s[step])
		step--;
	a->n[step]++;
}

uint64_t tcp_ages_from(const struct tcp_ages *a, uint64_t seconds)
{
	uint64_t n = 0;

	for (size_t i = AGE_STEPS; i-- > 0 && age_steps_s[i] >= seconds;)
		n += a->n[i];
	return n;
}

/* tcp_keepalive_timer() reckons so (keepalive_time_elapsed). */
uint32_t tcp_silent_ms(const struct socket *sk)
{
	return MIN(sk->tcp.last_received_ms, sk->last_ack_ms);
}

void tcp_tally_listener(struct tcp_index *index, const struct socket *sk)
{
	index->listening[sk->local_port / 8] |= (uint8_t)(1u << sk->local_port % 8);
}

static bool is_of_group(const struct tcp_group *a, const struct tcp_group *b)
{
	return a->begun_here == b->begun_here && a->family == b->family && a->port == b->port &&
	       !memcmp(a->address, b->address, sizeof(a->address));
}

/* NULL: there are too many already. */
static struct tcp_group *group_of(struct snapshot *s, struct tcp_index *index, const struct socket *sk)
{
	bool here = !(index->listening[sk->local_port / 8] & 1u << sk->local_port % 8);
	struct tcp_group key = {.begun_here = here,
				.family = sk->family,
				.port = here ? sk->remote_port : sk->local_port};
	uint64_t words[3] = {(uint64_t)here << 32 | (uint64_t)sk->family << 16 | key.port}, at;

	if (here)
		memcpy(key.address, sk->remote, sizeof(key.address));
	memcpy(&words[1], key.address, sizeof(key.address));
	at = (words[0] * 0x9e3779b97f4a7c15u) ^ (words[1] * 0xc2b2ae3d27d4eb4fu) ^
	     (words[2] * 0x165667b19e3779f9u);
	at ^= at >> 29;
	for (;; at++) {
		uint16_t *slot = &index->slot[at % ARRAY_SIZE(index->slot)];

		if (*slot && is_of_group(&s->tcp_groups.items[*slot - 1], &key))
			return &s->tcp_groups.items[*slot - 1];
		if (*slot)
			continue;
		if (s->tcp_groups.n >= TCP_GROUPS_MAX)
			return NULL;
		*vec_push(&s->tcp_groups) = key;
		*slot = (uint16_t)s->tcp_groups.n;
		return &s->tcp_groups.items[s->tcp_groups.n - 1];
	}
}

/* No way lies between the ends of such a connection on which it could be forgotten. */
static bool is_loopback(const struct socket *sk)
{
	static const uint8_t ipv6[16] = {[15] = 1};

	return sk->family == AF_INET ? sk->remote[0] == 127 : !memcmp(sk->remote, ipv6, 16);
}

static void add_ages(struct tcp_tally *t, struct tcp_group *g, const struct socket *sk)
{
	uint32_t silent = tcp_silent_ms(sk);

	/* The timer is set anew only when it runs out, and then for what is left of the idle time. */
	if (sk->timer == TIMER_KEEPALIVE)
		add_age(&t->keepalive, sk->timer_ms + silent);
	if (sk->timer != TIMER_NONE)
		return;
	add_age(&t->unwatched, silent);
	if (!g)
		return;
	g->unwatched++;
	g->silent_s = MAX(g->silent_s, silent / 1000);
}

void tcp_tally_add(struct snapshot *s, struct tcp_index *index, const struct socket *sk)
{
	struct tcp_tally *t = &s->tcp;
	struct tcp_group *g = group_of(s, index, sk);

	if (sk->state >= TCP_STATES)
		return;
	t->n[sk->state]++;
	t->orphans[sk->state] += sk->inode == 0;
	t->segments_again += sk->retrans_total;
	t->ungrouped += g == NULL;
	if (g)
		g->n[sk->state]++;
	if (sk->state == STATE_CLOSE_WAIT && sk->tcp_known)
		add_age(&t->close_wait, sk->last_ack_ms);
	if (sk->state == STATE_ESTABLISHED && sk->tcp_known && !is_loopback(sk))
		add_ages(t, g, sk);
}
