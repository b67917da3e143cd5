// SPDX-License-Identifier: GPL-2.0-or-later
/* Schema whydrop.sockets/1. Keys may be added, none removed or renamed. */
#include <netinet/in.h>
#include <sys/socket.h>

#include "model/tcp_lines.h"
#include "render/json_set.h"
#include "render/socket_words.h"
#include "render/sockets.h"

static json_t *space_json(const struct sockets_report *r, size_t index)
{
	json_t *j = json_object();

	if (index >= r->spaces.n) {
		json_decref(j);
		return json_null();
	}
	set(j, "name", filled_or_null(r->spaces.items[index].name));
	set(j, "inode", number(r->spaces.items[index].inode));
	return j;
}

static json_t *lack_json(enum holder_lack lack)
{
	static const char *const names[] = {[HOLDER_KERNEL] = "kernel",
					    [HOLDER_ACCEPT_QUEUE] = "accept-queue",
					    [HOLDER_HIDDEN] = "hidden",
					    [HOLDER_NONE] = "none-seen"};

	return lack == HOLDER_KNOWN ? json_null() : json_string(names[lack]);
}

static json_t *holders_json(const struct sockets_row *row)
{
	json_t *list = json_array();

	for (size_t i = 0; i < row->holders_n; i++) {
		const struct socket_holder *h = &row->holders[i];
		json_t *j = json_object();

		set(j, "pid", json_integer(h->pid));
		set(j, "command", char_array_json(h->comm, sizeof(h->comm)));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *troubles_json(const struct socket_verdict *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < socket_troubles_n; i++) {
		const struct socket_trouble *t = &socket_troubles[i];
		uint64_t score;
		json_t *j;

		if (!(v->troubles >> i & 1))
			continue;
		j = json_object();
		set(j, "id", json_string(t->id));
		set(j, "cause", json_string(t->cause));
		set(j, "class", json_string(socket_class_name(t->class)));
		set(j, "what", json_string(t->words));
		score = t == socket_worst(v) ? v->score : 0;
		set(j, "amount", t == socket_worst(v) ? number(score) : json_null());
		set(j, "unit", json_string(t->unit));
		json_array_append_new(list, j);
	}
	return list;
}

static bool is_tcp(const struct socket *sk)
{
	return sk->kind == SOCKET_INET && sk->protocol == IPPROTO_TCP;
}

static bool listens(const struct socket *sk)
{
	return sk->state == STATE_LISTEN &&
	       (is_tcp(sk) || sk->kind == SOCKET_UNIX || sk->kind == SOCKET_MPTCP);
}

static json_t *state_json(const struct socket *sk)
{
	bool has = is_tcp(sk) || sk->kind == SOCKET_UNIX || sk->kind == SOCKET_MPTCP;

	return has ? json_string(tcp_state_name(sk->state)) : json_null();
}

static json_t *family_json(const struct socket *sk)
{
	bool inet = sk->family == AF_INET || sk->family == AF_INET6;

	return !inet			 ? json_null()
	       : socket_is_v4_mapped(sk) ? json_string("ipv4-mapped")
					 : json_string(sk->family == AF_INET6 ? "ipv6" : "ipv4");
}

static void set_identity(json_t *j, const struct sockets_row *row)
{
	const struct socket *sk = &row->socket;

	set(j, "kind", json_string(socket_kind_name(sk)));
	set(j, "family", family_json(sk));
	set(j, "dual_stack", json_boolean(socket_is_dual_stack(sk)));
	set(j, "name", filled_or_null(row->name));
	set(j, "cookie", number(sk->cookie & ~RAW_COOKIE));
}

static void set_queues(json_t *j, const struct socket *sk)
{
	bool listener = listens(sk), known = sockets_queues_known(sk);

	set(j, "receive_queue", number_if(known && !listener, sk->rqueue));
	set(j, "send_queue", number_if(known && !listener, sk->wqueue));
	set(j, "accept_queue", number_if(known && listener, sk->rqueue));
	set(j, "backlog", number_if(known && listener, sk->wqueue));
	set(j, "receive_memory", number_if(sk->mem_known, sk->rmem));
	set(j, "receive_buffer", number_if(sk->mem_known, sk->rcvbuf));
	set(j, "send_memory", number_if(sk->mem_known, MAX(sk->wmem, sk->wmem_queued)));
	set(j, "send_buffer", number_if(sk->mem_known, sk->sndbuf));
	set(j, "drops", number_if(sk->mem_known || sk->kind != SOCKET_INET, sk->drops));
}

static void set_timer(json_t *j, const struct socket *sk, uint64_t unacked_ms)
{
	static const char *const names[] = {"none", "retransmit", "keepalive", "time-wait", "probe"};

	set(j, "timer", sk->timer < ARRAY_SIZE(names) ? json_string(names[sk->timer]) : json_null());
	set(j, "timer_ms", number(sk->timer_ms));
	set(j, "timer_tries", number(sk->timer_tries));
	set(j, "rto_us", number_if(sk->tcp_known, sk->rto_us));
	set(j, "backoff", number_if(sk->tcp_known, sk->backoff));
	set(j, "unacked_ms", number_if(sk->tcp_known, unacked_ms));
	set(j, "rtt_us", number_if(sk->tcp_known && sk->tcp.rtt_us, sk->tcp.rtt_us));
	set(j, "cwnd", number_if(sk->tcp_known, sk->tcp.cwnd));
	set(j, "retrans_total", number_if(sk->tcp_known, sk->retrans_total));
	set(j, "congestion", filled_or_null(sk->congestion));
}

json_t *render_sockets_row_json(const struct sockets_report *r, const struct sockets_row *row)
{
	const struct socket *sk = &row->socket;
	const struct process *p = row->process;
	struct subject s = {.has_socket = true, .socket = *sk, .has_process = p != NULL};
	json_t *j;

	if (p)
		s.process = *p;
	j = socket_json(&s);
	if (row->holders_n) {
		set(j, "pid", json_integer(row->holders[0].pid));
		set(j, "command", char_array_json(row->holders[0].comm, sizeof(row->holders[0].comm)));
	}
	set_identity(j, row);
	set(j, "netns", space_json(r, row->space));
	set(j, "state", state_json(sk));
	set(j, "class", json_string(socket_class_name(
				socket_worst(&row->verdict) ? socket_worst(&row->verdict)->class
							    : SOCKET_HEALTHY)));
	set(j, "troubles", troubles_json(&row->verdict));
	set(j, "uid", number(sk->uid));
	set_queues(j, sk);
	if (is_tcp(sk))
		set_timer(j, sk, row->verdict.unacked_ms);
	if (listens(sk) && row->space < r->spaces.n)
		set(j, "somaxconn", r->spaces.items[row->space].somaxconn < 0
					    ? json_null()
					    : json_integer(r->spaces.items[row->space].somaxconn));
	set(j, "holders", holders_json(row));
	set(j, "holders_in_all", number(row->holders_all));
	set(j, "no_holder", lack_json(row->lack));
	return j;
}

/* ---- sums ---- */

static json_t *states_json(const uint32_t *states)
{
	json_t *j = json_object();

	for (uint8_t i = 1; i < TCP_STATES; i++)
		if (states[i])
			set(j, tcp_state_name(i), number(states[i]));
	return j;
}

static void set_key(json_t *j, const struct sockets_report *r, enum sockets_by by,
		    const struct sockets_sum *sum)
{
	if (by == BY_PROCESS) {
		set(j, "pid", sum->key.id ? number(sum->key.id) : json_null());
		set(j, "command", char_array_json(sum->comm, sizeof(sum->comm)));
	} else if (by == BY_LISTENER) {
		set(j, "netns", space_json(r, sum->key.id));
		set(j, "protocol", protocol_json(sum->key.protocol));
		set(j, "port", number(sum->key.port));
		set(j, "accept_queue", number(sum->waiting));
		set(j, "backlog", number(sum->backlog));
	} else {
		set(j, "address", address_json(sum->key.family, sum->key.address));
	}
}

static json_t *sums_json(const struct sockets_view *v, enum sockets_by by)
{
	const struct sockets_sums *table = &v->r->by[by];
	size_t shown = MIN(table->list.n, v->sums_max);
	uint64_t others = table->others;
	json_t *list = json_array(), *j = json_object();

	for (size_t i = 0; i < table->list.n; i++) {
		const struct sockets_sum *sum = &table->list.items[i];
		json_t *item;

		if (i >= shown) {
			others += sum->sockets;
			continue;
		}
		item = json_object();
		set_key(item, v->r, by, sum);
		set(item, "sockets", number(sum->sockets));
		set(item, "troubled", number(sum->troubled));
		set(item, "states", states_json(sum->states));
		set(item, "receive_queue", number(sum->rqueue));
		set(item, "send_queue", number(sum->wqueue));
		set(item, "rto_us_max", number(sum->rto_us_max));
		set(item, "rtt_us_max", number(sum->rtt_us_max));
		set(item, "connect_timeout_ms",
		    number_if(sum->rto_base_us_max, 1000 + (sum->rtt_us_max + 999) / 1000));
		set(item, "read_timeout_ms",
		    number_if(sum->rto_base_us_max, (sum->rto_base_us_max + 999) / 1000 * 2));
		json_array_append_new(list, item);
	}
	set(j, "list", list);
	set(j, "left_out", number(table->list.n - shown));
	set(j, "left_out_sockets", number(others));
	return j;
}

static json_t *owners_json(const struct sockets_report *r)
{
	const struct sockets_owners *o = &r->owners;
	json_t *j = json_object(), *lacks = json_object();

	set(j, "how", json_string(o->by_bpf ? "task_file" : "proc"));
	set(j, "errno", o->err ? json_string(errno_name(o->err)) : json_null());
	set(j, "processes", number(o->processes));
	set(j, "denied", number(o->denied));
	set(j, "hidepid", json_boolean(o->hidepid));
	set(j, "pid_namespace", json_boolean(o->nested_pids));
	set(j, "shared", number(r->shared));
	set(lacks, "kernel", number(r->lacks[HOLDER_KERNEL]));
	set(lacks, "accept_queue", number(r->lacks[HOLDER_ACCEPT_QUEUE]));
	set(lacks, "hidden", number(r->lacks[HOLDER_HIDDEN]));
	set(lacks, "none_seen", number(r->lacks[HOLDER_NONE]));
	set(j, "without", lacks);
	return j;
}

static json_t *spaces_json(const struct sockets_report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->spaces.n; i++) {
		const struct sockets_space *space = &r->spaces.items[i];
		json_t *j = space_json(r, i);

		set(j, "sockets", number(space->sockets));
		set(j, "errno", space->err ? json_string(errno_name(space->err)) : json_null());
		set(j, "unread", space->err ? filled_or_null(space->err_what) : json_null());
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *by_trouble_json(const struct sockets_report *r)
{
	json_t *j = json_object();

	for (size_t i = 0; i < socket_troubles_n; i++)
		if (r->by_trouble[i])
			set(j, socket_troubles[i].id, number(r->by_trouble[i]));
	return j;
}

static json_t *kinds_json(const struct sockets_report *r)
{
	static const char *const names[SOCKET_KINDS] = {[SOCKET_MPTCP] = "mptcp",
							[SOCKET_UNIX] = "unix",
							[SOCKET_RAW] = "raw",
							[SOCKET_PACKET] = "packet",
							[SOCKET_NETLINK] = "netlink"};
	static const char *const statuses[] = {[KIND_NOT_ASKED] = "not-asked",
					       [KIND_READ] = "read",
					       [KIND_READ_FILE] = "read-without-queues",
					       [KIND_NOT_IN_KERNEL] = "not-in-kernel",
					       [KIND_NOT_LOADED] = "not-loaded"};
	json_t *j = json_object();

	for (size_t i = 0; i < SOCKET_KINDS; i++) {
		const struct sockets_kind *k = &r->kinds[i];
		json_t *one;

		if (!names[i])
			continue;
		one = json_object();
		set(one, "status", json_string(k->err ? "failed" : statuses[k->status]));
		set(one, "errno", k->err ? json_string(errno_name(k->err)) : json_null());
		set(one, "sockets", number(k->matched));
		set(j, names[i], one);
	}
	return j;
}

static json_t *tcp_json(const struct sockets_report *r)
{
	json_t *j = json_object();

	for (uint8_t i = 1; i < TCP_STATES; i++)
		if (r->tcp[i])
			set(j, tcp_state_name(i), number(r->tcp[i]));
	return j;
}

static json_t *cut_json(const struct sockets_report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < SOCKETS_TABLES; i++)
		if (r->cut >> i & 1)
			json_array_append_new(list, json_string(sockets_table_name(i)));
	return list;
}

json_t *render_sockets_json(const struct sockets_view *v)
{
	static const char *const names[] = {
		[BY_PROCESS] = "by_process", [BY_LISTENER] = "by_listener", [BY_PEER] = "by_peer"};
	const struct sockets_report *r = v->r;
	json_t *j = json_object(), *rows = json_array();

	set(j, "schema", json_string("whydrop.sockets/1"));
	set_text(j, "version", v->run->version);
	set(j, "host", render_host_json(v->run));
	set(j, "started_at", render_time_json(&v->run->started_at));
	set(j, "seconds", real(r->seconds, 0.001));
	set(j, "namespaces", spaces_json(r));
	set(j, "sockets_read", number(r->seen));
	set(j, "sockets_meant", number(r->matched));
	set(j, "sockets_troubled", number(r->troubled));
	set(j, "cut", json_boolean(r->cut));
	set(j, "cut_tables", cut_json(r));
	set(j, "changing", json_boolean(r->changing));
	set(j, "repeated", number(r->repeated));
	set(j, "tcp", tcp_json(r));
	set(j, "udp", number(r->udp));
	set(j, "kinds", kinds_json(r));
	set(j, "troubles", by_trouble_json(r));
	set(j, "owners", owners_json(r));
	if (!v->all) {
		for (size_t i = 0; i < r->rows.n; i++)
			json_array_append_new(rows, render_sockets_row_json(r, &r->rows.items[i]));
		set(j, "sockets", rows);
		set(j, "sockets_left_out", number(r->rows_left));
	} else {
		json_decref(rows);
	}
	for (enum sockets_by by = 0; by < SOCKETS_BY_N; by++)
		set(j, names[by], sums_json(v, by));
	return j;
}
