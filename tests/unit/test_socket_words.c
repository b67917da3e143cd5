// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One connection in words: sockets made by hand, one for each phase, state and timer, and a real
 * one over loopback, found by its name and compared with what getsockopt tells of it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "render/socket_words.h"
#include "sockets/flow.h"

static const struct text_style plain = {0};

static struct tcp_settings settings(void)
{
	struct tcp_settings s;

	tcp_settings_init(&s);
	s.retries1 = 3;
	s.retries2 = 15;
	s.orphan_retries = 0;
	s.syn_retries = 6;
	s.syn_linear = 4;
	s.synack_retries = 5;
	s.keepalive_time = 7200;
	s.keepalive_intvl = 75;
	s.keepalive_probes = 9;
	s.fin_timeout = 60;
	s.somaxconn = 4096;
	s.rmem[2] = 6291456;
	s.wmem[2] = 4194304;
	return s;
}

static struct socket connection(void)
{
	struct socket sk = {
		.cookie = 0x5a,
		.inode = 1234,
		.uid = 33,
		.family = AF_INET,
		.protocol = IPPROTO_TCP,
		.state = STATE_ESTABLISHED,
		.local_port = 443,
		.remote_port = 51234,
		.local = {10, 0, 0, 1},
		.remote = {10, 0, 0, 2},
		.rmem = 4352,
		.rcvbuf = 131072,
		.wmem_queued = 34560,
		.sndbuf = 87040,
		.mem_known = true,
		.tcp_known = true,
		.snd_mss = 1448,
		.pmtu = 1500,
		.rto_us = 252000,
		.last_ack_ms = 12,
		.bytes_acked = 1000001,
		.retrans_total = 14,
		.bytes_again = 20272,
		.busy_us = 10000000,
		.sndbuf_limited_us = 1000000,
		.congestion = "cubic",
		.tcp = {
			.options = OPTION_TIMESTAMPS | OPTION_SACK | OPTION_WSCALE,
			.snd_wscale = 7,
			.rcv_wscale = 10,
			.rcv_mss = 1448,
			.advmss = 1448,
			.rcv_ssthresh = 64088,
			.rtt_us = 50000,
			.rttvar_us = 12500,
			.min_rtt_us = 41000,
			.ssthresh = 7,
			.cwnd = 10,
			.reordering = 3,
			.rcv_space = 14600,
			.snd_wnd = 65536,
			.segs_out = 800,
			.segs_in = 500,
			.data_segs_out = 700,
			.data_segs_in = 20,
			.rwnd_limited_us = 2500000,
			.pacing_rate = 347520,
			.delivery_rate = 289600,
			.bytes_sent = 1020272,
			.bytes_received = 4000,
			.last_sent_ms = 20,
			.last_received_ms = 90000,
		},
	};

	return sk;
}

/* The text of one topic; "" where it is not told. */
static const char *word(const struct socket *sk, const struct tcp_settings *s,
			const struct socket_extra *x, const char *topic)
{
	static char text[1024];
	struct socket_words words = {0};
	struct socket_view v = {.sk = sk, .settings = s, .extra = x};

	text[0] = '\0';
	socket_words(&v, &words);
	vec_each(w, &words.list)
		if (strcmp(w->topic, topic) == 0)
			snprintf(text, sizeof(text), "%s", w->text);
	socket_words_done(&words);
	return text;
}

#define assert_says(sk, topic, part) says(sk, NULL, topic, part, __LINE__)
static void says(const struct socket *sk, const struct socket_extra *x, const char *topic,
		 const char *part, int line)
{
	struct tcp_settings s = settings();
	const char *text = word(sk, &s, x, topic);

	if (!strstr(text, part))
		fail_msg("line %d: %s says \"%s\", not \"%s\"", line, topic, text, part);
}

/* ---- phases ---- */

static void test_phases(void **state)
{
	struct socket sk = connection();
	struct socket_extra x = {.bbr_known = true,
				 .bbr_bandwidth = 1250000,
				 .bbr_min_rtt_us = 41000,
				 .bbr_pacing_gain = 739,
				 .bbr_cwnd_gain = 739};

	assert_int_equal(tcp_phase(&sk), PHASE_AVOIDANCE);
	assert_says(&sk, "phase", "congestion avoidance");
	sk.tcp.ssthresh = 11;
	assert_int_equal(tcp_phase(&sk), PHASE_SLOW_START);
	assert_says(&sk, "phase", "up to ssthresh");
	assert_says(&sk, "ssthresh", "11 segments");
	sk.tcp.ssthresh = SSTHRESH_INFINITE;
	assert_says(&sk, "phase", "until the first loss");
	assert_says(&sk, "ssthresh", "not set");
	sk.tcp.ca_state = CA_DISORDER;
	assert_says(&sk, "phase", "disorder");
	sk.tcp.ca_state = CA_CWR;
	assert_says(&sk, "phase", "ECN mark");
	sk.tcp.ca_state = CA_RECOVERY;
	assert_says(&sk, "phase", "recovery");
	sk.tcp.ca_state = CA_LOSS;
	assert_says(&sk, "phase", "timeout ran out");
	sk.tcp.ca_state = 99;
	assert_int_equal(tcp_phase(&sk), PHASE_UNKNOWN);
	sk.tcp.ca_state = CA_OPEN;
	snprintf(sk.congestion, sizeof(sk.congestion), "bbr");
	assert_int_equal(tcp_phase(&sk), PHASE_UNKNOWN);
	assert_says(&sk, "phase", "phases of its own");
	says(&sk, &x, "phase", "startup", __LINE__);
	says(&sk, &x, "phase", "10 Mbit/s at 41.0 ms", __LINE__);
	x.bbr_pacing_gain = 88;
	assert_string_equal(bbr_phase_name(&x), "drain");
	x.bbr_pacing_gain = x.bbr_cwnd_gain = 256;
	assert_string_equal(bbr_phase_name(&x), "probe-rtt");
	x.bbr_cwnd_gain = 512;
	assert_string_equal(bbr_phase_name(&x), "probe-bw");
	assert_null(bbr_phase_name(NULL));
}

static void test_windows(void **state)
{
	struct socket sk = connection();
	struct socket_extra x = {.rcv_wnd_known = true};

	/* 14,480 bytes each 50 ms are 289,600 bytes a second */
	assert_int_equal(tcp_window_rate(&sk, tcp_window_bytes(&sk)), 289600);
	assert_says(&sk, "cwnd", "10 segments of 1,448 bytes: 14,480 bytes");
	assert_says(&sk, "cwnd", "2.3 Mbit/s");
	assert_says(&sk, "peer's window", "65,536 bytes offered");
	sk.tcp.snd_wnd = 8000;
	assert_int_equal(tcp_window_bytes(&sk), 8000);
	assert_says(&sk, "peer's window", "smaller than cwnd");
	sk.tcp.snd_wnd = 0;
	sk.timer = TIMER_PROBE;
	assert_says(&sk, "peer's window", "closed");
	assert_says(&sk, "our window", "64,088 bytes");
	says(&sk, &x, "our window", "CLOSED", __LINE__);
	assert_says(&sk, "options", "the peer's window times 128, ours times 1024");
	sk.tcp.options = 0;
	assert_says(&sk, "options", "SACK OFF");
	assert_says(&sk, "options", "65,535");
}

/* ---- the retransmission timeout ---- */

static void test_rto(void **state)
{
	struct tcp_settings s = settings();
	struct socket sk = connection();
	struct rto_parts p = tcp_rto_parts(&sk, &s);

	assert_true(p.measured && p.floor);
	assert_int_equal(p.expected_us, 250000);
	assert_says(&sk, "rto", "252 ms: 50.0 ms round trip + 200 ms, the floor (built in)");
	sk.tcp.rttvar_us = 75000;
	sk.rto_us = 352000;
	assert_false(tcp_rto_parts(&sk, &s).floor);
	assert_says(&sk, "rto", "352 ms: 50.0 ms round trip + 4 x 75.0 ms deviation");
	sk.rto_us = 700000;
	assert_says(&sk, "rto", "varied more");
	/* doubled: 252 ms, 4 times */
	sk = connection();
	sk.rto_us = 4032000;
	sk.backoff = 4;
	p = tcp_rto_parts(&sk, &s);
	assert_int_equal(p.base_us, 252000);
	assert_says(&sk, "rto", "4,032 ms: 252 ms doubled 4 times");
	assert_says(&sk, "backoff", "4 timeouts in a row");
	sk.rto_us = 120000000;
	sk.backoff = 12;
	p = tcp_rto_parts(&sk, &s);
	assert_true(p.at_max);
	assert_int_equal(p.base_us, 250000);
	/* Probes of a closed window do not double it. */
	sk = connection();
	sk.timer = TIMER_PROBE;
	sk.backoff = 4;
	assert_int_equal(tcp_rto_parts(&sk, &s).base_us, 252000);
	/* A route's own floor. */
	s.rto_min_us = 5000;
	s.rto_min_from = RTO_MIN_ROUTE;
	sk = connection();
	sk.tcp.rttvar_us = 500;
	sk.rto_us = 55000;
	assert_non_null(strstr(word(&sk, &s, NULL, "rto"), "5.0 ms, the floor (rto_min of its route)"));
	sk.tcp.rtt_us = 0;
	sk.rto_us = 1000000;
	assert_non_null(strstr(word(&sk, &s, NULL, "rto"), "the initial one"));
}

static void test_given_up(void **state)
{
	struct tcp_settings s = settings();
	struct socket sk = connection();
	struct give_up g;

	/* tcp_retries2 15: 924.6 s from the first retransmission, by 200 ms doubled. */
	sk.timer = TIMER_RETRANSMIT;
	sk.timer_ms = 100;
	sk.unacked = 4;
	sk.rto_us = 200000;
	g = tcp_give_up(&sk, &s);
	assert_true(g.known);
	assert_int_equal(g.limit_ms, 924600);
	/* 0.1 s, then 0.4 + 0.8 + ... + 102.4 s and 120 s as often as needed: 924.4 is less */
	assert_int_equal(g.ms, 100 + 204400 + 120000 * 7);
	assert_int_equal(g.tries, 1 + 8 + 7);
	/* Three timeouts later: 1.6 s now, of which 0.6 s are left. */
	sk.tcp.retransmits = sk.timer_tries = 3;
	sk.backoff = 3;
	sk.rto_us = 1600000;
	sk.timer_ms = 600;
	/* 0.4 + 0.8 + 1.0 s since the first repeat, 0.2 s before it */
	assert_int_equal(tcp_oldest_ms(&sk, &s), 2400);
	g = tcp_give_up(&sk, &s);
	assert_int_equal(g.ms, 100 + 204400 + 120000 * 7 - 100 - 2200);
	assert_says(&sk, "timer", "doubles the RTO to 3,200 ms");
	assert_says(&sk, "timer", "tcp_retries2: 924.6 s after the first repeat");
	assert_says(&sk, "oldest", "at least 2,400 ms");
	/* Nobody holds it: 8 tries, 102.2 s. */
	sk.inode = 0;
	sk.state = STATE_FIN_WAIT1;
	assert_int_equal(tcp_give_up(&sk, &s).limit_ms, 102200);
	assert_says(&sk, "orphan", "gone");
	s.retries2 = -1;
	sk.state = STATE_ESTABLISHED;
	assert_false(tcp_give_up(&sk, &s).known);
}

static void test_syn(void **state)
{
	struct tcp_settings s = settings();
	struct socket sk = connection();
	struct give_up g;

	sk.state = STATE_SYN_SENT;
	sk.tcp.rtt_us = 0;
	sk.timer = TIMER_RETRANSMIT;
	sk.timer_ms = 1000;
	sk.rto_us = 1000000;
	g = tcp_give_up(&sk, &s);
	/* 1, 2, 3, 4, 5, 7, 11, 19, 35, 67 s, over at 131 s */
	assert_int_equal(g.ms, 131000);
	assert_int_equal(g.tries, 10);
	s.syn_linear = -1;
	g = tcp_give_up(&sk, &s);
	assert_int_equal(g.ms, 127000);
	assert_int_equal(g.tries, 6);
	s = settings();
	/* After the sixth repeat, at 7 s: 4 s run, 1 s of them is over. */
	sk.tcp.retransmits = sk.timer_tries = 6;
	sk.rto_us = 4000000;
	sk.timer_ms = 3000;
	assert_int_equal(tcp_oldest_ms(&sk, &s), 8000);
	assert_int_equal(tcp_give_up(&sk, &s).ms, 131000 - 8000);
	assert_says(&sk, "unanswered", "the SYN, for 8,000 ms");
	assert_says(&sk, "timer", "the SYN is sent again (it was 6 times)");
	assert_string_equal(word(&sk, &s, NULL, "cwnd"), "");

	sk = connection();
	sk.state = STATE_SYN_RECV;
	sk.tcp_known = false;
	sk.inode = 0;
	sk.timer = TIMER_RETRANSMIT;
	sk.timer_ms = 1000;
	g = tcp_give_up(&sk, &s);
	assert_int_equal(g.ms, 63000);
	assert_int_equal(g.tries, 5);
	sk.timer_tries = 2;
	sk.timer_ms = 4000;
	assert_int_equal(tcp_give_up(&sk, &s).ms, 60000);
	assert_says(&sk, "timer", "the SYN-ACK is sent again (it was 2 times)");
}

/* ---- other states ---- */

static void test_states(void **state)
{
	struct socket sk = connection();

	assert_says(&sk, "timer", "no keepalive");
	sk.timer = TIMER_KEEPALIVE;
	sk.timer_ms = 7100000;
	assert_says(&sk, "timer", "keepalive, in 118 min");
	assert_says(&sk, "timer", "given up after 9, 75 s apart");
	sk.timer = TIMER_PROBE;
	sk.timer_ms = 400;
	assert_says(&sk, "timer", "persist, in 400 ms");
	assert_says(&sk, "timer", "for ever");
	sk.timer_tries = 13;
	sk.backoff = 13;
	assert_says(&sk, "timer", "2 more tries");
	sk.timer = TIMER_NONE;
	sk.state = STATE_CLOSE_WAIT;
	assert_says(&sk, "state", "must call close()");
	assert_says(&sk, "timer", "until the program closes it");
	sk = connection();
	sk.state = STATE_TIME_WAIT;
	sk.tcp_known = sk.mem_known = false;
	sk.inode = 0;
	sk.timer = TIMER_TIME_WAIT;
	sk.timer_ms = 45000;
	assert_says(&sk, "timer", "in 45.0 s it is forgotten");
	assert_says(&sk, "owner", "the kernel alone");
	assert_says(&sk, "orphan", "");
	sk.state = STATE_FIN_WAIT2;
	assert_says(&sk, "timer", "tcp_fin_timeout");
}

static void test_listener(void **state)
{
	struct socket sk = connection();

	sk.state = STATE_LISTEN;
	sk.tcp_known = false;
	sk.remote_port = 0;
	sk.rqueue = 128;
	sk.wqueue = 128;
	assert_says(&sk, "accept queue", "128 wait to be accepted, 128 (and one more) may");
	assert_says(&sk, "backlog", "somaxconn now allows 4,096");
	sk.rqueue = 129;
	assert_says(&sk, "accept queue", "FULL");
	sk.wqueue = 4096;
	assert_says(&sk, "backlog", "capped by net.core.somaxconn");
	sk.family = AF_INET6;
	memset(sk.local, 0, sizeof(sk.local));
	assert_says(&sk, "family", "dual-stack");
	sk.v6only = true;
	assert_says(&sk, "family", "IPv6 alone");
}

static void test_udp(void **state)
{
	struct socket sk = connection();

	sk.protocol = IPPROTO_UDP;
	sk.state = STATE_CLOSE;
	sk.tcp_known = false;
	sk.remote_port = 0;
	sk.rmem = 212736;
	sk.rcvbuf = 212992;
	sk.drops = 12406;
	sk.locks_known = sk.rcvbuf_locked = true;
	assert_says(&sk, "state", "from anybody");
	assert_says(&sk, "receive buffer",
		    "212,736 bytes of 212,992 bytes used (>99 %), set by the program");
	assert_says(&sk, "drops", "12,406");
	assert_says(&sk, "timer", "");
}

static void test_losses(void **state)
{
	struct socket_extra x = {.rto_known = true,
				 .total_rto = 3,
				 .total_rto_recoveries = 2,
				 .total_rto_ms = 1500};
	struct socket sk = connection();
	struct tcp_settings s = settings();
	struct program_timeouts t;

	assert_says(&sk, "retransmits", "14 segments of 700 with data (2.0 %), 20,272 bytes");
	sk.tcp.dsack_dups = 5;
	assert_says(&sk, "retransmits", "5 of them needless");
	sk.lost = 2;
	assert_says(&sk, "retransmits", "2 believed lost");
	says(&sk, &x, "timeouts so far", "3, in 2 rows; 1,500 ms", __LINE__);
	sk.retrans_total = 0;
	assert_says(&sk, "retransmits", "none");
	assert_says(&sk, "limited by", "the peer's window 25 %, our send buffer 10 %, the rest 65 %");
	assert_says(&sk, "reordering", "none seen");
	sk.tcp.reord_seen = 7;
	assert_says(&sk, "reordering", "7 times");
	assert_true(tcp_program_timeouts(&sk, &s, &t));
	assert_int_equal(t.connect_ms, 1050);
	assert_int_equal(t.read_ms, 504);
	assert_says(&sk, "timeouts", "1,050 ms");
	sk.tcp.rtt_us = 0;
	assert_false(tcp_program_timeouts(&sk, &s, &t));
}

/* ---- names of connections ---- */

static void test_names(void **state)
{
	static const char *const bad[] = {"",	      "nginx",	     "10.0.0.1",     "10.0.0.1:70000",
					  "10.0.0:1", "*:*",	     "1.2.3.4:5-",   "-1.2.3.4:5",
					  "sk:",      "ino:x",	     "0",	     "[::1:5",
					  "1.2.3.4:5-6.7.8.9:10-1.1.1.1:1"};
	struct socket sk = connection(), six = connection();
	struct flow_name f;
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(flow_parse(bad[i], &f), -EINVAL);
	inet_pton(AF_INET6, "::ffff:10.0.0.1", six.local);
	inet_pton(AF_INET6, "2001:db8::7", six.remote);
	six.family = AF_INET6;
	static const struct {
		const char *name;
		bool four, six;
	} cases[] = {
		{"10.0.0.1:443-10.0.0.2:51234", true, false},
		{"10.0.0.2:51234-10.0.0.1:443", true, false},
		{"10.0.0.1:443-10.0.0.1:443", false, false},
		{"10.0.0.1:443", true, true},
		{"[::ffff:10.0.0.1]:443", true, true},
		{"10.0.0.2:51234", true, false},
		{"[2001:db8::7]:51234", false, true},
		{"[2001:db8::7%eth0]:51234-10.0.0.1:443", false, true},
		{"*:443", true, true},
		{":51234", true, true},
		{":1", false, false},
		{"10.0.0.1:*-10.0.0.2:*", true, false},
		{"1234", true, true},
		{"ino:1234", true, true},
		{"90", true, true},
		{"ino:90", false, false},
		{"sk:5a", true, true},
		{"sk:1234", false, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(flow_parse(cases[i].name, &f), 0);
		if (flow_is(&f, &sk) != cases[i].four || flow_is(&f, &six) != cases[i].six)
			fail_msg("%s", cases[i].name);
	}
	memset(text, '1', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(flow_parse(text, &f), -EINVAL);
}

/* ---- messages ---- */

static void test_malformed(void **state)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_msg m;
		struct nlattr a;
		unsigned char data[248];
	} q = {.h.nlmsg_len = sizeof(q), .a = {.nla_len = 4 + 248, .nla_type = INET_DIAG_INFO}};
	struct socket_extra x;

	q.data[232] = 7;
	q.data[240] = 3;
	q.data[244] = 9;
	assert_int_equal(flow_extra(&q.h, &x), 0);
	assert_true(x.rcv_wnd_known && x.rto_known);
	assert_int_equal(x.rcv_wnd, 7);
	assert_int_equal(x.total_rto, 3);
	assert_int_equal(x.total_rto_ms, 9);
	q.a.nla_len = 4 + 232; /* of a kernel before 6.2 */
	q.h.nlmsg_len = sizeof(q) - 16;
	assert_int_equal(flow_extra(&q.h, &x), 0);
	assert_false(x.rcv_wnd_known || x.rto_known);
	q.a.nla_len = 1000;
	assert_int_equal(flow_extra(&q.h, &x), -EBADMSG);
	q.a.nla_len = 2;
	assert_int_equal(flow_extra(&q.h, &x), -EBADMSG);
	for (uint16_t type = 0; type < 30; type++)
		for (uint16_t n = 4; n < 12; n++) {
			q.a.nla_type = type;
			q.a.nla_len = n;
			q.h.nlmsg_len = NLMSG_LENGTH(sizeof(q.m)) + n;
			assert_int_equal(flow_extra(&q.h, &x), 0);
		}
}

/* ---- a live one ---- */

static int listen_on(struct sockaddr_in *name)
{
	socklen_t n = sizeof(*name);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*name = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)name, sizeof(*name)), 0);
	assert_int_equal(listen(fd, 7), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)name, &n), 0);
	return fd;
}

static void test_live(void **state)
{
	static struct netns ns = {.name = "host", .fd = -1};
	struct host h = {.ns = &ns, .phase = "b"};
	struct sockaddr_in server, client;
	socklen_t n = sizeof(client);
	int listener = listen_on(&server), fd = socket(AF_INET, SOCK_STREAM, 0), peer;
	struct tcp_info info;
	struct flow_name name;
	struct flow_found found = {0};
	struct socket sk;
	struct socket_extra x;
	struct tcp_settings s;
	char text[128];

	assert_int_equal(connect(fd, (struct sockaddr *)&server, sizeof(server)), 0);
	peer = accept(listener, NULL, NULL);
	assert_int_equal(write(fd, "hello", 5), 5);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&client, &n), 0);
	snprintf(text, sizeof(text), "127.0.0.1:%u-127.0.0.1:%u", ntohs(client.sin_port),
		 ntohs(server.sin_port));
	assert_int_equal(flow_parse(text, &name), 0);
	assert_int_equal(flow_find(&h, &name, &found), 0);
	/* Both ends are here; the one whose local end was named first is meant. */
	assert_int_equal(found.n, 2);
	assert_int_equal(found.all, 2);
	assert_int_equal(found.straight, 1);
	assert_int_equal(found.straight_one.local_port, ntohs(client.sin_port));
	for (size_t i = 0; i < found.n; i++)
		if (found.matches[i].local_port == ntohs(client.sin_port))
			assert_int_equal(flow_read(&h, &found.matches[i], &sk, &x), 0);
	assert_int_equal(sk.local_port, ntohs(client.sin_port));
	n = sizeof(info);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n), 0);
	assert_true(sk.tcp_known && sk.mem_known);
	assert_int_equal(sk.tcp.cwnd, info.tcpi_snd_cwnd);
	assert_int_equal(sk.rto_us, info.tcpi_rto);
	assert_int_equal(sk.tcp.rtt_us, info.tcpi_rtt);
	assert_int_equal(sk.snd_mss, info.tcpi_snd_mss);
	assert_int_equal(sk.tcp.bytes_sent, 5);
	assert_true(sk.congestion[0]);
	flow_settings(&h, &sk, &s);
	assert_true(s.route_known);
	assert_true(s.retries2 > 0 && s.rmem[2] > 0 && s.somaxconn > 0);
	/* The listener, by port; the queue it asked for. */
	snprintf(text, sizeof(text), "*:%u", ntohs(server.sin_port));
	close(fd);
	close(peer);
	sk.cookie ^= 1;
	assert_int_equal(flow_read(&h, &sk, &sk, &x), -ENOENT);
	close(listener);
}

/* ---- whole ---- */

static void test_whole(void **state)
{
	struct tcp_settings s = settings();
	struct socket sk = connection();
	struct process p = {.pid = 812, .comm = "evil\033[2J", .unit = "nginx.service"};
	struct socket_view v = {.sk = &sk, .settings = &s, .owner = &p, .owners = 1};
	struct buf text = {0};
	json_t *j = render_socket_json(&v);

	render_socket_text(&v, &plain, &text);
	assert_non_null(strstr(text.data, "tcp 10.0.0.1:443 - 10.0.0.2:51234  ESTABLISHED\n"));
	assert_null(strchr(text.data, '\033'));
	assert_non_null(strstr(text.data, "evil\\x1b[2J, pid 812, nginx.service; uid 33"));
	for (const char *line = text.data; *line; line += strcspn(line, "\n") + 1)
		if (strcspn(line, "\n") > 80)
			fail_msg("too wide: %s", line);
	assert_string_equal(json_string_value(json_object_get(j, "local")), "10.0.0.1:443");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "tcp"), "cwnd")), 10);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(j, "derived"), "phase")),
		"congestion-avoidance");
	assert_true(json_array_size(json_object_get(j, "words")) > 20);
	json_decref(j);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_phases),	 cmocka_unit_test(test_windows),
		cmocka_unit_test(test_rto),	 cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_syn),	 cmocka_unit_test(test_states),
		cmocka_unit_test(test_listener), cmocka_unit_test(test_udp),
		cmocka_unit_test(test_losses),	 cmocka_unit_test(test_names),
		cmocka_unit_test(test_malformed), cmocka_unit_test(test_live),
		cmocka_unit_test(test_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
