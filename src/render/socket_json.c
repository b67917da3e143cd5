// SPDX-License-Identifier: GPL-2.0-or-later
/* One socket whole, for programs: the kernel's numbers, what they say together, and the words. */
#include <netinet/in.h>

#include "render/json_parts.h"
#include "render/json_set.h"
#include "render/socket_words.h"
#include "sockets/sockets.h"

static json_t *known(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static json_t *endpoint(const struct socket *sk, bool remote)
{
	cleanup(buf_done) struct buf b = {0};

	if (sk->kind == SOCKET_PACKET || sk->kind == SOCKET_NETLINK ||
	    (remote && !sk->remote_port))
		return json_null();
	socket_endpoint_words(sk, remote, &b);
	return json_string(b.data);
}

json_t *socket_memory_json(const struct socket *sk)
{
	json_t *j = json_object();

	if (!sk->mem_known) {
		json_decref(j);
		return json_null();
	}
	set(j, "receive_used", number(sk->rmem));
	set(j, "receive_limit", number(sk->rcvbuf));
	set(j, "send_used", number(sk->protocol == IPPROTO_TCP ? sk->wmem_queued : sk->wmem));
	set(j, "send_limit", number(sk->sndbuf));
	set(j, "below_transport", number(sk->wmem));
	set(j, "forward", number(sk->forward));
	set(j, "backlog", number(sk->backlog));
	return j;
}

json_t *socket_timer_json(const struct socket *sk)
{
	static const char *const names[] = {[TIMER_RETRANSMIT] = "retransmit",
					    [TIMER_KEEPALIVE] = "keepalive",
					    [TIMER_TIME_WAIT] = "time-wait",
					    [TIMER_PROBE] = "persist"};
	json_t *j;

	if (sk->timer == TIMER_NONE || sk->timer >= ARRAY_SIZE(names))
		return json_null();
	j = json_object();
	set_text(j, "name", names[sk->timer]);
	set(j, "left_ms", number(sk->timer_ms));
	set(j, "tries", number(sk->timer_tries));
	return j;
}

static void congestion_json(json_t *j, const struct socket *sk)
{
	static const char *const ca_states[] = {"open", "disorder", "cwr", "recovery", "loss"};
	const struct tcp_numbers *t = &sk->tcp;

	set(j, "ca_state", t->ca_state < ARRAY_SIZE(ca_states)
				   ? json_string(ca_states[t->ca_state])
				   : json_null());
	set(j, "cwnd", number(t->cwnd));
	set(j, "ssthresh",
	    t->ssthresh >= SSTHRESH_INFINITE ? json_null() : number(t->ssthresh));
	set(j, "rtt_us", t->rtt_us ? number(t->rtt_us) : json_null());
	set(j, "rttvar_us", t->rtt_us ? number(t->rttvar_us) : json_null());
	set(j, "min_rtt_us", t->min_rtt_us && t->min_rtt_us != UINT32_MAX ? number(t->min_rtt_us)
									  : json_null());
	set(j, "rcv_rtt_us", t->rcv_rtt_us ? number(t->rcv_rtt_us) : json_null());
	set(j, "rto_us", number(sk->rto_us));
	set(j, "ato_us", number(t->ato_us));
	set(j, "backoff", number(sk->backoff));
	set(j, "retransmits", number(t->retransmits));
	set(j, "probes", number(t->probes));
}

static void segments_json(json_t *j, const struct socket *sk)
{
	const struct tcp_numbers *t = &sk->tcp;

	set(j, "mss", number(sk->snd_mss));
	set(j, "rcv_mss", number(t->rcv_mss));
	set(j, "advmss", number(t->advmss));
	set(j, "pmtu", number(sk->pmtu));
	set(j, "unacked", number(sk->unacked));
	set(j, "sacked", number(sk->sacked));
	set(j, "lost", number(sk->lost));
	set(j, "retrans", number(t->retrans));
	set(j, "retrans_total", number(sk->retrans_total));
	set(j, "dsack_dups", number(t->dsack_dups));
	set(j, "reordering", number(t->reordering));
	set(j, "reord_seen", number(t->reord_seen));
	set(j, "rcv_ooopack", number(t->rcv_ooopack));
	set(j, "segs_out", number(t->segs_out));
	set(j, "segs_in", number(t->segs_in));
	set(j, "data_segs_out", number(t->data_segs_out));
	set(j, "data_segs_in", number(t->data_segs_in));
	set(j, "delivered", number(t->delivered));
	set(j, "delivered_ce", number(t->delivered_ce));
}

static void bytes_json(json_t *j, const struct socket *sk)
{
	const struct tcp_numbers *t = &sk->tcp;

	set(j, "notsent_bytes", number(t->notsent_bytes));
	set(j, "snd_wnd", number(t->snd_wnd));
	set(j, "rcv_ssthresh", number(t->rcv_ssthresh));
	set(j, "rcv_space", number(t->rcv_space));
	set(j, "bytes_sent", number(t->bytes_sent));
	set(j, "bytes_acked", number(sk->bytes_acked));
	set(j, "bytes_retrans", number(sk->bytes_again));
	set(j, "bytes_received", number(t->bytes_received));
	set(j, "busy_us", number(sk->busy_us));
	set(j, "rwnd_limited_us", number(t->rwnd_limited_us));
	set(j, "sndbuf_limited_us", number(sk->sndbuf_limited_us));
	set(j, "app_limited", json_boolean(t->app_limited));
	set(j, "pacing_rate", t->pacing_rate && t->pacing_rate != UINT64_MAX
				      ? number(t->pacing_rate)
				      : json_null());
	set(j, "delivery_rate", t->delivery_rate ? number(t->delivery_rate) : json_null());
	set(j, "last_sent_ms", number(t->last_sent_ms));
	set(j, "last_received_ms", number(t->last_received_ms));
	set(j, "last_ack_ms", number(sk->last_ack_ms));
}

static json_t *options_json(const struct tcp_numbers *t)
{
	json_t *j = json_object();
	bool scaling = t->options & OPTION_WSCALE;

	set(j, "sack", json_boolean(t->options & OPTION_SACK));
	set(j, "timestamps", json_boolean(t->options & OPTION_TIMESTAMPS));
	set(j, "snd_wscale", scaling ? number(t->snd_wscale) : json_null());
	set(j, "rcv_wscale", scaling ? number(t->rcv_wscale) : json_null());
	set(j, "ecn", json_boolean(t->options & OPTION_ECN));
	set(j, "ecn_seen", json_boolean(t->options & OPTION_ECN_SEEN));
	set(j, "syn_data", json_boolean(t->options & OPTION_SYN_DATA));
	return j;
}

json_t *socket_tcp_json(const struct socket *sk)
{
	json_t *j;

	if (!sk->tcp_known)
		return json_null();
	j = json_object();
	set(j, "congestion", filled_or_null(sk->congestion));
	congestion_json(j, sk);
	segments_json(j, sk);
	bytes_json(j, sk);
	set(j, "options", options_json(&sk->tcp));
	return j;
}

/* ---- what the numbers say together ---- */

static json_t *rto_json(const struct socket_view *v)
{
	static const char *const from[] = {[RTO_MIN_KERNEL] = "kernel",
					   [RTO_MIN_SYSCTL] = "sysctl",
					   [RTO_MIN_ROUTE] = "route"};
	struct rto_parts p = tcp_rto_parts(v->sk, v->settings);
	json_t *j = json_object();

	set(j, "base_us", number(p.base_us));
	set(j, "doubled", number(p.doubled));
	set(j, "measured", json_boolean(p.measured));
	set(j, "variance_us", number(p.variance_us));
	set(j, "floor_us", number(v->settings->rto_min_us));
	set_text(j, "floor_from", from[v->settings->rto_min_from]);
	set(j, "floor_holds", json_boolean(p.measured && p.floor));
	return j;
}

static json_t *give_up_json(const struct socket_view *v)
{
	struct give_up g = tcp_give_up(v->sk, v->settings);
	json_t *j;

	if (!g.known)
		return json_null();
	j = json_object();
	set(j, "tries", number(g.tries));
	set(j, "ms", number(g.ms));
	set(j, "limit_ms", g.limit_ms ? number(g.limit_ms) : json_null());
	return j;
}

static json_t *derived_json(const struct socket_view *v)
{
	const struct socket *sk = v->sk;
	const char *phase = tcp_phase_name(tcp_phase(sk)), *bbr = bbr_phase_name(v->extra);
	uint64_t window = tcp_window_bytes(sk), oldest = tcp_oldest_ms(sk, v->settings);
	uint64_t rate = tcp_window_rate(sk, window);
	struct program_timeouts t;
	bool timeouts = tcp_program_timeouts(sk, v->settings, &t);
	json_t *j;

	if (sk->protocol != IPPROTO_TCP)
		return json_null();
	j = json_object();
	set(j, "phase", phase ? json_string(phase) : bbr ? json_sprintf("bbr-%s", bbr) : json_null());
	set(j, "window_bytes", sk->tcp_known ? number(window) : json_null());
	set(j, "window_rate", rate ? number(rate) : json_null());
	set(j, "rto", sk->tcp_known ? rto_json(v) : json_null());
	set(j, "oldest_unacked_ms", oldest ? number(oldest) : json_null());
	set(j, "gives_up", give_up_json(v));
	set(j, "orphan", json_boolean(socket_is_orphan(sk)));
	set(j, "connect_timeout_ms", timeouts ? number(t.connect_ms) : json_null());
	set(j, "read_timeout_ms", timeouts ? number(t.read_ms) : json_null());
	return j;
}

static json_t *settings_json(const struct tcp_settings *s)
{
	json_t *j = json_object();

	set(j, "tcp_retries1", known(s->retries1));
	set(j, "tcp_retries2", known(s->retries2));
	set(j, "tcp_orphan_retries", known(s->orphan_retries));
	set(j, "tcp_syn_retries", known(s->syn_retries));
	set(j, "tcp_syn_linear_timeouts", known(s->syn_linear));
	set(j, "tcp_synack_retries", known(s->synack_retries));
	set(j, "tcp_keepalive_time", known(s->keepalive_time));
	set(j, "tcp_keepalive_intvl", known(s->keepalive_intvl));
	set(j, "tcp_keepalive_probes", known(s->keepalive_probes));
	set(j, "tcp_fin_timeout", known(s->fin_timeout));
	set(j, "somaxconn", known(s->somaxconn));
	set(j, "tcp_rmem_max", known(s->rmem[2]));
	set(j, "tcp_wmem_max", known(s->wmem[2]));
	return j;
}

static json_t *extra_json(const struct socket_extra *x)
{
	json_t *j;

	if (!x)
		return json_null();
	j = json_object();
	set(j, "rcv_wnd", x->rcv_wnd_known ? number(x->rcv_wnd) : json_null());
	set(j, "total_rto", x->rto_known ? number(x->total_rto) : json_null());
	set(j, "total_rto_ms", x->rto_known ? number(x->total_rto_ms) : json_null());
	set(j, "tos", x->tos_known ? number(x->tos) : json_null());
	set(j, "mark", x->mark ? number(x->mark) : json_null());
	set(j, "cgroup_id", x->cgroup ? number(x->cgroup) : json_null());
	set(j, "optmem", number(x->optmem));
	set(j, "upper_protocol", filled_or_null(x->ulp));
	set(j, "bbr_bandwidth", x->bbr_known ? number(x->bbr_bandwidth) : json_null());
	set(j, "bbr_min_rtt_us", x->bbr_known ? number(x->bbr_min_rtt_us) : json_null());
	return j;
}

static json_t *troubles_json(const struct socket_view *v)
{
	struct socket_verdict verdict;
	json_t *list = json_array();

	socket_judge(v->sk, v->settings, &verdict);
	for (size_t i = 0; i < socket_troubles_n; i++) {
		json_t *j;

		if (!(verdict.troubles >> i & 1))
			continue;
		j = json_object();
		set(j, "id", json_string(socket_troubles[i].id));
		set(j, "cause", json_string(socket_troubles[i].cause));
		set(j, "class", json_string(socket_class_name(socket_troubles[i].class)));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *words_json(const struct socket_view *v)
{
	struct socket_words words = {0};
	json_t *list = json_array();

	socket_words(v, &words);
	vec_each(word, &words.list) {
		json_t *j = json_object();

		set_text(j, "topic", word->topic);
		set(j, "text", text_or_null(word->text));
		json_array_append_new(list, j);
	}
	socket_words_done(&words);
	return list;
}

json_t *render_socket_json(const struct socket_view *v)
{
	const struct socket *sk = v->sk;
	json_t *j = json_object();

	set_text(j, "kind", socket_kind_name(sk));
	set(j, "state",
	    sk->kind == SOCKET_INET ? json_string(socket_state_name(sk)) : json_null());
	set(j, "local", endpoint(sk, false));
	set(j, "remote", endpoint(sk, true));
	set(j, "family", sk->kind != SOCKET_INET    ? json_null()
			 : socket_is_v4_mapped(sk)  ? json_string("ipv4-mapped")
			 : sk->family == AF_INET6   ? json_string("ipv6")
						    : json_string("ipv4"));
	set(j, "v6only", sk->family == AF_INET6 && !sk->remote_port ? json_boolean(sk->v6only) : json_null());
	set(j, "inode", sk->inode ? number(sk->inode) : json_null());
	set(j, "cookie", number(sk->cookie & ~RAW_COOKIE));
	set(j, "uid", number(sk->uid));
	set(j, "device", filled_or_null(v->device));
	set(j, "owner", v->owner ? process_json(v->owner) : json_null());
	set(j, "owner_note", v->owner ? json_null() : filled_or_null(v->owner_note));
	set(j, "receive_queue", number(sk->rqueue));
	set(j, "send_queue", number(sk->wqueue));
	set(j, "drops", sk->mem_known || sk->drops ? number(sk->drops) : json_null());
	set(j, "memory", socket_memory_json(sk));
	set(j, "timer", socket_timer_json(sk));
	set(j, "tcp", socket_tcp_json(sk));
	set(j, "troubles", troubles_json(v));
	set(j, "derived", derived_json(v));
	set(j, "settings", settings_json(v->settings));
	set(j, "more", extra_json(v->extra));
	set(j, "words", words_json(v));
	return j;
}
