// SPDX-License-Identifier: GPL-2.0-or-later
/* What `whydrop sockets` says, against golden files: reports and sockets made by hand. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "golden.h"
#include "render/socket_words.h"
#include "render/sockets.h"
#include "render/utf8.h"
#include "sockets/sums.h"
#include "sockets/unix_diag.h"

static const struct text_style plain = {0}, colored = {.color = true};

static struct report *run(void)
{
	static struct report r = {
		.version = "0.1.0",
		.started_at = {.tv_sec = 1767225600, .tv_nsec = 123456789},
		.host_name = "web-3",
		.kernel = "6.12.0-1-amd64",
		.cpus = 16,
	};

	return &r;
}

/* ---- sockets ---- */

static struct socket inet(uint8_t protocol, uint8_t state, const char *local, uint16_t local_port,
			  const char *remote, uint16_t remote_port)
{
	bool six = strchr(local, ':') != NULL;
	struct socket sk = {.family = six ? AF_INET6 : AF_INET,
			    .protocol = protocol,
			    .state = state,
			    .local_port = local_port,
			    .remote_port = remote_port,
			    .inode = 1000u + local_port,
			    .cookie = 0x100u + local_port,
			    .mem_known = true,
			    .rcvbuf = 131072,
			    .sndbuf = 87040};

	assert_int_equal(inet_pton(sk.family, local, sk.local), 1);
	if (remote)
		assert_int_equal(inet_pton(sk.family, remote, sk.remote), 1);
	return sk;
}

static struct socket timing_out(void)
{
	struct socket sk = inet(IPPROTO_TCP, STATE_ESTABLISHED, "2001:db8::1", 51234,
				"2001:db8:0:7::1234:5678", 5432);

	sk.wqueue = 28960;
	sk.unacked = 10;
	sk.timer = TIMER_RETRANSMIT;
	sk.timer_tries = 4;
	sk.timer_ms = 1200;
	sk.rto_us = 3264000;
	sk.backoff = 4;
	sk.retrans_total = 5;
	sk.tcp_known = true;
	sk.snd_mss = 1428;
	sk.pmtu = 1500;
	sk.last_ack_ms = 5100;
	sk.wmem_queued = 34560;
	sk.bytes_acked = 90001;
	sk.bytes_again = 7140;
	sk.busy_us = 6000000;
	memcpy(sk.congestion, "cubic", 6);
	sk.tcp = (struct tcp_numbers){.ca_state = CA_LOSS,
				      .retransmits = 4,
				      .options = OPTION_TIMESTAMPS | OPTION_SACK | OPTION_WSCALE |
						 OPTION_ECN,
				      .snd_wscale = 7,
				      .rcv_wscale = 7,
				      .rcv_mss = 536,
				      .advmss = 1428,
				      .last_sent_ms = 2000,
				      .last_received_ms = 5100,
				      .rcv_ssthresh = 64088,
				      .rtt_us = 3900,
				      .rttvar_us = 900,
				      .min_rtt_us = 3100,
				      .ssthresh = 5,
				      .cwnd = 1,
				      .reordering = 3,
				      .rcv_space = 14600,
				      .notsent_bytes = 14680,
				      .snd_wnd = 65536,
				      .segs_out = 90,
				      .segs_in = 60,
				      .data_segs_out = 80,
				      .data_segs_in = 12,
				      .pacing_rate = 700000,
				      .delivery_rate = 2500000,
				      .bytes_sent = 126101,
				      .bytes_received = 5120};
	return sk;
}

static struct socket unix_listener(void)
{
	return (struct socket){.kind = SOCKET_UNIX,
			       .family = AF_UNIX,
			       .protocol = SOCK_STREAM,
			       .state = STATE_LISTEN,
			       .inode = 77,
			       .cookie = 0x77,
			       .mem_known = true,
			       .sndbuf = 212992,
			       .rqueue = 6,
			       .wqueue = 5};
}

/* ---- a report ---- */

static struct process nginx = {.pid = 812, .comm = "nginx", .unit = "nginx.service"};

static struct sockets_row *add(struct sockets_report *r, const struct socket *sk,
			       const char *holder, int pid)
{
	struct sockets_row *row = vec_push(&r->rows);
	struct tcp_settings settings;

	row->socket = *sk;
	tcp_settings_init(&settings);
	socket_judge(sk, &settings, &row->verdict);
	r->seen++;
	r->matched++;
	r->troubled += row->verdict.troubles != 0;
	for (size_t i = 0; i < socket_troubles_n; i++)
		r->by_trouble[i] += row->verdict.troubles >> i & 1;
	if (sk->kind != SOCKET_INET)
		r->kinds[sk->kind].matched++;
	else if (sk->protocol == IPPROTO_TCP)
		r->tcp[sk->state]++;
	else
		r->udp++;
	if (holder) {
		row->holders_n = row->holders_all = 1;
		row->holders[0].pid = pid;
		snprintf(row->holders[0].comm, sizeof(row->holders[0].comm), "%s", holder);
		row->process = pid == nginx.pid ? &nginx : NULL;
	} else {
		row->lack = HOLDER_HIDDEN;
	}
	r->lacks[row->lack]++;
	return row;
}

static void add_sums(struct sockets_report *r)
{
	struct sockets_key key = {.id = 812};
	struct sockets_sum *sum = sums_get(&r->by[BY_PROCESS], &key);

	memcpy(sum->comm, "nginx", 6);
	sum->sockets = 1204;
	sum->troubled = 2;
	sum->states[STATE_LISTEN] = 4;
	sum->states[STATE_ESTABLISHED] = 1150;
	sum->states[STATE_CLOSE_WAIT] = 50;
	sum->rqueue = 5120;
	key.id = 0;
	sum = sums_get(&r->by[BY_PROCESS], &key);
	sum->sockets = 3;
	sum->states[STATE_TIME_WAIT] = 3;
	r->by[BY_PROCESS].others = 9;
	key = (struct sockets_key){.protocol = IPPROTO_TCP, .port = 443};
	sum = sums_get(&r->by[BY_LISTENER], &key);
	sum->sockets = 900;
	sum->waiting = 129;
	sum->backlog = 128;
	key = (struct sockets_key){.family = AF_INET, .address = {192, 0, 2, 9}};
	sum = sums_get(&r->by[BY_PEER], &key);
	sum->sockets = 12;
	sum->troubled = 1;
	sum->rtt_us_max = 81200;
	sum->rto_us_max = 3264000;
	sum->rto_base_us_max = 292000;
	sum->states[STATE_ESTABLISHED] = 12;
}

static void make(struct sockets_report *r)
{
	struct socket listener = inet(IPPROTO_TCP, STATE_LISTEN, "::", 443, NULL, 0);
	struct socket udp = inet(IPPROTO_UDP, STATE_CLOSE, "0.0.0.0", 53, NULL, 0);
	struct socket unread = inet(IPPROTO_TCP, STATE_CLOSE_WAIT, "::ffff:10.0.0.1", 443,
				    "::ffff:10.0.0.2", 40000);
	struct socket out = timing_out(), local = unix_listener();

	memset(r, 0, sizeof(*r));
	*vec_push(&r->spaces) = (struct sockets_space){.name = "", .inode = 4026531840,
						       .somaxconn = 4096};
	r->seconds = 0.0213;
	listener.rqueue = 129;
	listener.wqueue = 128;
	listener.drops = 2481;
	udp.rmem = 131072;
	udp.drops = 12406;
	unread.tcp_known = true;
	unread.rqueue = 5121;
	unread.last_ack_ms = unread.tcp.last_sent_ms = unread.tcp.last_received_ms = 7200000;
	add(r, &listener, "nginx", 812)->holders_all = 5;
	add(r, &udp, "dns\033[2Jdist", 900);
	add(r, &out, NULL, 0);
	snprintf(add(r, &local, "php-fpm", 4242)->name, UNIX_NAME, "/run/php/php8.2-fpm.sock");
	add(r, &unread, "java", 31337);
	r->seen += 1000;
	r->tcp[STATE_ESTABLISHED] += 700;
	r->tcp[STATE_TIME_WAIT] += 300;
	r->rows_left = 3;
	r->owners.denied = 41;
	r->kinds[SOCKET_MPTCP].status = KIND_NOT_IN_KERNEL;
	r->kinds[SOCKET_UNIX].status = KIND_READ;
	r->kinds[SOCKET_RAW].status = KIND_READ;
	r->kinds[SOCKET_PACKET].err = -EPERM;
	add_sums(r);
}

static void check_width(const struct buf *text)
{
	for (const char *line = text->data; *line; line += strcspn(line, "\n") + (strchr(line, '\n') != NULL))
		if (utf8_columns(line, strcspn(line, "\n")) > 80)
			fail_msg("too wide: %.*s", (int)strcspn(line, "\n"), line);
}

static void compare_view(const char *name, const struct sockets_view *v,
			 const struct text_style *style)
{
	struct buf text = {0};

	render_sockets_text(v, style, &text);
	if (!style->color) {
		check_width(&text);
		assert_null(strchr(text.data, '\033'));
	}
	compare(name, &text);
	buf_done(&text);
}

static void test_views(void **state)
{
	static const struct {
		const char *name;
		struct sockets_view v;
	} cases[] = {
		{"sockets.txt", {0}},
		{"sockets-by-process.txt", {.by_asked = true, .by = BY_PROCESS, .sums_max = 1}},
		{"sockets-by-listener.txt", {.by_asked = true, .by = BY_LISTENER, .sums_max = 9}},
		{"sockets-by-peer.txt", {.by_asked = true, .by = BY_PEER, .sums_max = 9}},
		{"sockets-by-state.txt", {.by_state = true}},
	};
	struct sockets_report r;

	make(&r);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sockets_view v = cases[i].v;

		v.r = &r;
		v.run = run();
		compare_view(cases[i].name, &v, &plain);
		if (!i)
			compare_view("sockets-color.txt", &v, &colored);
	}
	sockets_report_done(&r);
}

static void test_listeners(void **state)
{
	struct sockets_report r;
	struct sockets_view v = {.r = &r, .run = run(), .listeners = true, .filtered = true};
	size_t kept = 0;

	make(&r);
	r.rows_left = 0;
	for (size_t i = 0; i < r.rows.n; i++)
		if (!r.rows.items[i].socket.remote_port)
			r.rows.items[kept++] = r.rows.items[i];
	r.rows.n = kept;
	/* One that is capped, and takes IPv6 alone. */
	r.rows.items[0].socket.wqueue = 4096;
	r.rows.items[0].socket.v6only = true;
	compare_view("sockets-listen.txt", &v, &plain);
	sockets_report_done(&r);
}

static void test_rows(void **state)
{
	struct sockets_report r;
	struct buf text = {0};

	make(&r);
	for (size_t i = 0; i < r.rows.n; i++)
		render_sockets_row_text(&r, &r.rows.items[i], &plain, i == 0, &text);
	compare("sockets-all.txt", &text);
	buf_done(&text);
	sockets_report_done(&r);
}

static void compare_json(const char *name, json_t *tree)
{
	char *dumped = json_dumps(tree, RENDER_JSON_FLAGS);
	struct buf text = {0};

	assert_non_null(dumped);
	buf_printf(&text, "%s\n", dumped);
	compare(name, &text);
	free(dumped);
	json_decref(tree);
	buf_done(&text);
}

static void test_json(void **state)
{
	struct sockets_report r;
	struct sockets_view v = {.r = &r, .run = run(), .sums_max = 9};

	make(&r);
	compare_json("sockets.json", render_sockets_json(&v));
	sockets_report_done(&r);
}

static void test_nothing(void **state)
{
	struct sockets_report r = {0};
	struct sockets_view v = {.r = &r, .run = run()};
	struct buf text = {0};

	*vec_push(&r.spaces) = (struct sockets_space){.somaxconn = -1};
	render_sockets_text(&v, &plain, &text);
	assert_string_equal(text.data,
			    "0 sockets; none in trouble; read in 0.00 s\n\nNone is in trouble.\n");
	r.spaces.items[0].err = -EACCES;
	r.spaces.items[0].err_what = "tcp4";
	buf_clear(&text);
	render_sockets_text(&v, &plain, &text);
	assert_non_null(strstr(text.data, "Not read: the namespace, tcp4: "));
	buf_done(&text);
	sockets_report_done(&r);
}

static void test_detail(void **state)
{
	struct tcp_settings s;
	struct socket sk = timing_out();
	struct socket_view v = {.sk = &sk, .settings = &s, .owner = &nginx, .owners = 2};
	struct buf text = {0};

	tcp_settings_init(&s);
	s.retries2 = 15;
	s.rmem[2] = 6291456;
	s.wmem[2] = 4194304;
	render_socket_text(&v, &plain, &text);
	check_width(&text);
	compare("sockets-detail.txt", &text);
	compare_json("sockets-detail.json", render_socket_json(&v));
	buf_done(&text);
}

/* ---- messages of unix sockets ---- */

struct unix_message {
	struct nlmsghdr h;
	struct unix_diag_msg m;
	char attributes[256];
};

static void put(struct unix_message *q, uint16_t type, const void *data, size_t n)
{
	struct nlattr a = {.nla_len = (uint16_t)(NLA_HDRLEN + n), .nla_type = type};
	char *to = (char *)q + q->h.nlmsg_len;

	memcpy(to, &a, sizeof(a));
	memcpy(to + NLA_HDRLEN, data, n);
	q->h.nlmsg_len += (uint32_t)NLA_ALIGN(NLA_HDRLEN + n);
}

static void test_unix_messages(void **state)
{
	static const uint32_t memory[9] = {0, 212992, 8192, 106496};
	static const uint32_t queue[2] = {3, 2};
	struct unix_message q = {
		.h.nlmsg_len = NLMSG_LENGTH(sizeof(q.m)),
		.m = {.udiag_family = AF_UNIX, .udiag_type = SOCK_SEQPACKET, .udiag_state = 10,
		      .udiag_ino = 4711, .udiag_cookie = {7, 1}}};
	struct socket sk;
	char name[UNIX_NAME], longest[108];

	assert_int_equal(unix_diag_socket(&q.h, &sk, name), 0);
	assert_int_equal(sk.kind, SOCKET_UNIX);
	assert_int_equal(sk.inode, 4711);
	assert_int_equal(sk.cookie, UINT64_C(1) << 32 | 7);
	assert_false(sk.mem_known);
	assert_string_equal(name, "");
	put(&q, UNIX_DIAG_NAME, "\0a\0b", 4);
	put(&q, UNIX_DIAG_RQLEN, queue, sizeof(queue));
	put(&q, UNIX_DIAG_MEMINFO, memory, sizeof(memory));
	assert_int_equal(unix_diag_socket(&q.h, &sk, name), 0);
	assert_string_equal(name, "@a@b");
	assert_int_equal(sk.rqueue, 3);
	assert_int_equal(sk.wqueue, 2);
	assert_int_equal(sk.wmem, 8192);
	assert_int_equal(sk.sndbuf, 106496);
	/* Of a file, with its NUL; and one that fills all of it. */
	q.h.nlmsg_len = NLMSG_LENGTH(sizeof(q.m));
	put(&q, UNIX_DIAG_NAME, "/run/x\0", 7);
	assert_int_equal(unix_diag_socket(&q.h, &sk, name), 0);
	assert_string_equal(name, "/run/x");
	memset(longest, 'n', sizeof(longest));
	q.h.nlmsg_len = NLMSG_LENGTH(sizeof(q.m));
	put(&q, UNIX_DIAG_NAME, longest, sizeof(longest));
	assert_int_equal(unix_diag_socket(&q.h, &sk, name), 0);
	assert_int_equal(strlen(name), sizeof(longest));
	/* Cut short. */
	q.h.nlmsg_len = NLMSG_LENGTH(sizeof(q.m));
	put(&q, UNIX_DIAG_RQLEN, queue, 4);
	assert_int_equal(unix_diag_socket(&q.h, &sk, name), -EBADMSG);
	q.h.nlmsg_len = NLMSG_LENGTH(sizeof(q.m)) - 4;
	assert_int_equal(unix_diag_socket(&q.h, &sk, name), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_views),	cmocka_unit_test(test_listeners), cmocka_unit_test(test_rows),
		cmocka_unit_test(test_json),	cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_detail),
		cmocka_unit_test(test_unix_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
