// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The collectors of kernel text: /proc/net counters, /proc/stat and sysctls. Readable by anybody.
 * Columns are found by the names in the file, never by position: releases insert in the middle.
 */
#include "collect/proctext.h"

#include <errno.h>
#include <stdio.h>

#include "base/intern.h"

void set_counter(struct snapshot *s, enum counter_id id, uint64_t value)
{
	s->counter[id] = value;
	s->counter_present[id] = true;
}

#define UNKNOWN_MAX 1024 /* of one file; Linux 6.18 has some 400 numbers in all of them */

/* A number that counters.def has no row for is kept under its own name. */
static int take_unknown(struct snapshot *s, enum source source, struct span prefix,
			struct span name, struct span value)
{
	char full[UNKNOWN_NAME];
	bool negative = value.n > 1 && value.p[0] == '-';
	struct span digits = {value.p + negative, value.n - negative};
	struct unknown_counter *u;
	uint64_t number;

	if (parse_u64(digits, UINT64_MAX, &number) < 0 || s->unknown_counters.n >= UNKNOWN_MAX)
		return -EBADMSG;
	u = vec_push(&s->unknown_counters);
	u->source = source;
	snprintf(full, sizeof(full), "%.*s%s%.*s", (int)prefix.n, prefix.n ? prefix.p : "",
		 prefix.n ? "." : "", (int)name.n, name.p);
	u->name = intern(full, sizeof(full));
	u->value = number;
	u->negative = negative;
	return 0;
}

/* One number; `prefix` still has its colon: "Udp:" and "NoPorts". */
static int take_number(struct snapshot *s, enum source source, struct span prefix, struct span name,
		       struct span value, bool *any)
{
	enum counter_id id;
	uint64_t number;

	prefix.n--;
	id = counter_named(source, prefix, name);
	if (id == COUNTER_N)
		return take_unknown(s, source, prefix, name, value);
	if (parse_u64(value, UINT64_MAX, &number) < 0)
		return -EBADMSG;
	set_counter(s, id, number);
	*any = true;
	return 0;
}

/*
 * net/ipv4/proc.c: two lines a protocol, "Udp: InDatagrams NoPorts" and "Udp: 12 0". Values are
 * unsigned long; a few (Tcp MaxConn) are signed and have no row.
 */
int parse_paired_lines(struct span text, enum source source, struct snapshot *s)
{
	struct span names, values, name, value;
	bool any = false;

	while (next_line(&text, &names)) {
		struct span prefix, again;

		if (!next_line(&text, &values) || !next_field(&names, &prefix) ||
		    !next_field(&values, &again) || prefix.n != again.n || prefix.n < 2 ||
		    memcmp(prefix.p, again.p, prefix.n) != 0)
			return -EBADMSG;
		while (next_field(&names, &name)) {
			if (!next_field(&values, &value) ||
			    take_number(s, source, prefix, name, value, &any) < 0)
				return -EBADMSG;
		}
	}
	return any ? 0 : -EBADMSG;
}

int take_counter(struct snapshot *s, enum source source, struct span name, struct span line)
{
	enum counter_id id = counter_named(source, (struct span){0}, name);
	struct span value;
	uint64_t number;

	if (id == COUNTER_N)
		return 0;
	if (!next_field(&line, &value) || parse_u64(value, UINT64_MAX, &number) < 0)
		return -EBADMSG;
	set_counter(s, id, number);
	return 1;
}

/* net/ipv6/proc.c snmp6_seq_show: "Udp6InDatagrams    12", one a line. */
int parse_named_lines(struct span text, enum source source, struct snapshot *s)
{
	struct span line, name;
	bool any = false;

	while (next_line(&text, &line)) {
		int r = next_field(&line, &name) ? take_counter(s, source, name, line) : -EBADMSG;
		struct span value;

		/* This is also how /proc/vmstat looks, most of which says nothing of packets. */
		if (r == 0 && source == SRC_SNMP6) {
			r = next_field(&line, &value)
				    ? take_unknown(s, source, (struct span){0}, name, value)
				    : -EBADMSG;
		}
		if (r < 0)
			return r;
		any |= r > 0;
	}
	return any ? 0 : -EBADMSG;
}

/* net/ipv4/proc.c sockstat_seq_show: "TCP: inuse 5 orphan 0 tw 2 alloc 9 mem 1". */
int parse_sockstat(struct span text, struct snapshot *s)
{
	struct span line, prefix, name, value;
	bool any = false;

	while (next_line(&text, &line)) {
		if (!next_field(&line, &prefix) || prefix.n < 2)
			return -EBADMSG;
		while (next_field(&line, &name)) {
			if (!next_field(&line, &value) ||
			    take_number(s, SRC_SOCKSTAT, prefix, name, value, &any) < 0)
				return -EBADMSG;
		}
	}
	return any ? 0 : -EBADMSG;
}

struct cpu *cpu_of(struct snapshot *s, unsigned int id)
{
	struct cpu *cpu;

	vec_each(known, &s->cpus)
		if (known->id == id)
			return known;
	cpu = vec_push(&s->cpus);
	cpu->id = id;
	return cpu;
}

/*
 * net/core/net-procfs.c softnet_seq_show: hexadecimal columns, one line per online CPU, 32 bits
 * each. Columns used: 1 processed, 2 dropped, 3 time_squeeze, 10 received_rps, 11 flow_limit, 12
 * backlog length and 13 the CPU's number (both 5.10 and later; before, lines are counted).
 */
int parse_softnet(struct span text, struct snapshot *s)
{
	static const unsigned int column_of[SOFTNET_STATS] = {0, 1, 2, 9, 10, 11};
	unsigned int number = 0;
	struct span line, field;

	for (; next_line(&text, &line); number++) {
		uint64_t column[16];
		unsigned int n = 0;
		struct cpu *cpu;

		while (n < ARRAY_SIZE(column) && next_field(&line, &field))
			if (parse_hex64(field, UINT32_MAX, &column[n++]) < 0)
				return -EBADMSG;
		if (n < 3)
			return -EBADMSG;
		cpu = cpu_of(s, n > 12 ? (unsigned int)column[12] : number);
		cpu->softnet_present = true;
		for (unsigned int i = 0; i < SOFTNET_STATS; i++)
			cpu->softnet[i] = column_of[i] < n ? (uint32_t)column[column_of[i]] : 0;
	}
	return number ? 0 : -EBADMSG;
}

/* fs/proc/stat.c show_stat: "cpu0 user nice system idle iowait irq softirq steal ...", USER_HZ. */
int parse_cpu_times(struct span text, struct snapshot *s)
{
	struct span line, field;
	bool any = false;

	while (next_line(&text, &line)) {
		uint64_t id, t[8] = {0};
		struct cpu *cpu;

		if (!next_field(&line, &field))
			continue;
		if (field.n < 4 || memcmp(field.p, "cpu", 3) != 0) {
			if (take_counter(s, SRC_CPU, field, line) < 0)
				return -EBADMSG;
			continue;
		}
		if (parse_u64((struct span){field.p + 3, field.n - 3}, 1 << 20, &id) < 0)
			return -EBADMSG;
		for (size_t i = 0; i < ARRAY_SIZE(t) && next_field(&line, &field); i++)
			if (parse_u64(field, UINT64_MAX, &t[i]) < 0)
				return -EBADMSG;
		cpu = cpu_of(s, (unsigned int)id);
		cpu->times_present = true;
		cpu->times = (struct cpu_times){t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]};
		any = true;
	}
	return any ? 0 : -EBADMSG;
}

/*
 * The files of /proc/net/stat: a line of names, then hexadecimal values per CPU, 32 bits each.
 * `fill` is the table's fill, the same on each line: not to be added up.
 */
static int parse_per_cpu(struct span text, enum source source, const char *prefix,
			 enum counter_id fill, struct snapshot *s)
{
	struct span header, line, name, value;
	bool any = false;

	if (!next_line(&text, &header))
		return -EBADMSG;
	while (next_line(&text, &line)) {
		struct span names = header;

		while (next_field(&names, &name)) {
			enum counter_id id;
			uint64_t number;

			if (!next_field(&line, &value) ||
			    parse_hex64(value, UINT32_MAX, &number) < 0)
				return -EBADMSG;
			id = counter_named(source, span_of(prefix), name);
			if (id == COUNTER_N)
				continue;
			if (any && id != fill)
				number = (number + s->counter[id]) & UINT32_MAX;
			set_counter(s, id, number);
		}
		any = true;
	}
	return any ? 0 : -EBADMSG;
}

/* net/netfilter/nf_conntrack_standalone.c ct_cpu_seq_show. */
int parse_conntrack(struct span text, struct snapshot *s)
{
	return parse_per_cpu(text, SRC_CONNTRACK, "nf_conntrack", C_CT_ENTRIES, s);
}

/*
 * net/ipv4/route.c rt_cpu_seq_show: IPv4 alone, and the whole host's in every namespace. The
 * columns that are not ours are mostly zeros, left of the route cache that went with 3.6.
 */
int parse_rt_cache(struct span text, struct snapshot *s)
{
	return parse_per_cpu(text, SRC_RT_CACHE, "rt_cache", COUNTER_N, s);
}

/* Up to three numbers, as "4096 87380 6291456". */
int parse_sysctl(struct span text, struct sysctl_value *ret)
{
	struct sysctl_value value = {0};
	struct span line, field;

	if (!next_line(&text, &line))
		return -EBADMSG;
	while (value.n < ARRAY_SIZE(value.v) && next_field(&line, &field))
		if (parse_i64(field, &value.v[value.n++]) < 0)
			return -EBADMSG;
	if (value.n == 0)
		return -EBADMSG;
	*ret = value;
	return 0;
}

bool text_is_whole(const struct buf *b)
{
	return !b->len || b->data[b->len - 1] == '\n';
}

int read_text(struct host *h, const char *path, struct buf *b, struct span *ret)
{
	int r = host_read(h, path, b);

	if (r < 0)
		return r;
	if (!text_is_whole(b))
		return -EBADMSG;
	*ret = (struct span){.p = b->data, .n = b->len};
	return 0;
}

int collect_text(struct host *h, const char *path, int (*parse)(struct span, struct snapshot *),
		 struct snapshot *s)
{
	cleanup(buf_done) struct buf b = {0};
	struct span text;
	int r = read_text(h, path, &b, &text);

	return r < 0 ? r : parse(text, s);
}

int collect_lines(struct host *h, const char *path,
		  int (*parse)(struct span, enum source, struct snapshot *), enum source source,
		  struct snapshot *s)
{
	cleanup(buf_done) struct buf b = {0};
	struct span text;
	int r = read_text(h, path, &b, &text);

	return r < 0 ? r : parse(text, source, s);
}

int collect_snmp(struct host *h, struct snapshot *s)
{
	return collect_lines(h, "net/snmp", parse_paired_lines, SRC_SNMP, s);
}

int collect_snmp6(struct host *h, struct snapshot *s)
{
	int r = collect_lines(h, "net/snmp6", parse_named_lines, SRC_SNMP6, s);

	return r == -ENOENT ? COLLECT_UNUSED : r; /* IPv6 is not in this kernel */
}

/*
 * net/tls/tls_proc.c tls_statistics_seq_show: "TlsDecryptError \t0", one a line; of one namespace, for
 * anybody. None of them has a row in counters.def: they are kept as TlsExt.TlsDecryptError.
 */
int parse_tls_lines(struct span text, struct snapshot *s)
{
	struct span line, name, value, prefix = {"TlsExt", strlen("TlsExt")};

	while (next_line(&text, &line))
		if (!next_field(&line, &name) || !next_field(&line, &value) ||
		    take_unknown(s, SRC_NETSTAT, prefix, name, value) < 0)
			return -EBADMSG;
	return 0;
}

int collect_netstat(struct host *h, struct snapshot *s)
{
	int r = collect_lines(h, "net/netstat", parse_paired_lines, SRC_NETSTAT, s);
	cleanup(buf_done) struct buf text = {0};
	struct span all;

	/* There only once kernel TLS was used; what cannot be read of it takes nothing from the rest. */
	if (r == 0 && read_text(h, "net/tls_stat", &text, &all) == 0)
		parse_tls_lines(all, s);
	return r;
}

/*
 * net/xfrm/xfrm_proc.c xfrm_statistics_seq_show: "XfrmInError  0", of one namespace; anybody may
 * read it. A kernel without IPsec has no such file; one with IPsec and without statistics neither,
 * where only drop events tell (XFRM_POLICY).
 */
int collect_xfrm(struct host *h, struct snapshot *s)
{
	int r = collect_lines(h, "net/xfrm_stat", parse_named_lines, SRC_XFRM, s);

	return r == -ENOENT ? COLLECT_UNUSED : r;
}

int collect_sockstat(struct host *h, struct snapshot *s)
{
	cleanup(buf_done) struct buf b = {0};
	struct span six;
	int r = collect_text(h, "net/sockstat", parse_sockstat, s);

	/* Of sockstat6 only the fragments are used; a kernel without IPv6 does not have it. */
	if (r < 0 || read_text(h, "net/sockstat6", &b, &six) < 0)
		return r;
	return parse_sockstat(six, s);
}

int collect_softnet(struct host *h, struct snapshot *s)
{
	return collect_text(h, "net/softnet_stat", parse_softnet, s);
}

int collect_cpu(struct host *h, struct snapshot *s)
{
	return collect_text(h, "stat", parse_cpu_times, s);
}

int collect_conntrack(struct host *h, struct snapshot *s)
{
	/* Asking for a namespace's statistics must not be what loads connection tracking. */
	if (!host_exists(h, "sys/net/netfilter/nf_conntrack_max"))
		return COLLECT_UNUSED;
	return collect_text(h, "net/stat/nf_conntrack", parse_conntrack, s);
}

int collect_rt_cache(struct host *h, struct snapshot *s)
{
	return collect_text(h, "net/stat/rt_cache", parse_rt_cache, s);
}

int collect_sysctl(struct host *h, struct snapshot *s)
{
	cleanup(buf_done) struct buf b = {0};
	unsigned int found = 0;

	for (size_t i = 0; i < SYSCTL_N; i++) {
		struct span text;
		char path[160];
		int r;

		/* The only one that moves by itself. */
		if (host_is_first(h) && i != K_CONNTRACK_COUNT)
			continue;
		if (h->wide_known && sysctl_rows[i].scope == SCOPE_HOST)
			continue;
		/* One that a kernel or a namespace does not show stays absent by itself. */
		snprintf(path, sizeof(path), "sys/%s", sysctl_rows[i].path);
		buf_clear(&b);
		r = sysctl_rows[i].scope == SCOPE_HOST ? host_read_wide(h, path, &b)
						       : host_read(h, path, &b);
		text = (struct span){.p = b.data, .n = b.len};
		if (r == 0 && text_is_whole(&b) && parse_sysctl(text, &s->sysctl[i]) == 0)
			found++;
	}
	return found || host_is_first(h) ? 0 : -ENOENT;
}
