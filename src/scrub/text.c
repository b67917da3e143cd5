// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernel text that names programs, cgroups and mounts, and what nft prints. */
#define _GNU_SOURCE
#include "scrub/map.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

static struct span text_of(const struct buf *b)
{
	return (struct span){.p = b->data, .n = b->len};
}

static void replace(struct buf *data, struct buf *by)
{
	buf_done(data);
	*data = *by;
}

bool is_plain_text(const struct buf *data, const char *also)
{
	for (size_t i = 0; i < data->len; i++)
		if (!data->data[i] || (!strchr(" \t\n", data->data[i]) &&
				       !isdigit((unsigned char)data->data[i]) &&
				       !strchr(also, data->data[i])))
			return false;
	return true;
}

/* ---- /proc/PID ---- */

/* "PID (COMM) STATE PPID ...": the rest is numbers. */
int scrub_process_stat(struct scrubber *s, struct buf *data)
{
	const char *open = data->len ? memchr(data->data, '(', data->len) : NULL;
	const char *close = data->len ? memrchr(data->data, ')', data->len) : NULL;
	struct buf out = {0}, rest = {0};

	if (!open || !close || close < open)
		return -EBADMSG;
	buf_add(&rest, close + 1, data->len - (size_t)(close + 1 - data->data));
	buf_add(&out, data->data, (size_t)(open - data->data));
	if (!is_plain_text(&out, "") || !is_plain_text(&rest, "-ABCDEFGHIJKLMNOPQRSTUVWXYZtxz")) {
		buf_done(&out);
		buf_done(&rest);
		return -EBADMSG;
	}
	/* The kernel cuts names at 15 characters; so does who reads them. */
	buf_printf(&out, "(%s)", scrub_name(s, NAME_PROGRAM, open + 1,
					    MIN((size_t)(close - open) - 1, (size_t)15)));
	buf_add(&out, rest.data, rest.len);
	buf_done(&rest);
	replace(data, &out);
	return 0;
}

/* What systemd, the kernel and the file system standard name themselves. */
static const char *const known_parts[] = {
	"", ".", "..", "proc", "self", "root", "sys", "fs", "cgroup", "lib", "modules",
	"cpu", "cpuacct", "cpu,cpuacct", "cpuacct,cpu", "freezer", "unified", "systemd",
	"system.slice", "user.slice", "machine.slice", "init.scope", "-.slice",
	"cpu.stat", "cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us", "freezer.state",
	"cgroup.events", "memory", "memory.max", "memory.current", "memory.stat",
	"memory.kmem.tcp.limit_in_bytes", "memory.kmem.tcp.usage_in_bytes",
	"docker", "lxc", "lxc.payload", "payload", "kubelet.slice", "kubepods", "kubepods.slice",
	"burstable", "besteffort", "kubepods-burstable.slice", "kubepods-besteffort.slice",
};

static bool is_hex(char c)
{
	return isdigit((unsigned char)c) || (c >= 'a' && c <= 'f');
}

/* Of an id or uid each digit becomes another one; its shape stays. */
void scrub_hex(struct scrubber *s, struct span text, struct buf *to)
{
	for (size_t i = 0; i < text.n; i++) {
		uint64_t hash = siphash(&s->key, text.p, text.n) + i / 16;

		hash = siphash(&s->key, &hash, sizeof(hash));
		if (is_hex(text.p[i]))
			buf_printf(to, "%x", (unsigned int)(hash >> i % 16 * 4) & 0xf);
		else
			buf_add(to, text.p + i, 1);
	}
}

/*
 * By what a container is known in a path (collect/container.c): the engine's own words stay. Ids
 * have 64 digits, the uids of pods 36 characters or 32.
 */
static bool scrub_container(struct scrubber *s, struct span part, struct buf *to)
{
	static const char *const before[] = {
		"", "docker-", "cri-containerd-", "nerdctl-", "crio-", "libpod-", "pod",
		"kubepods-pod", "kubepods-burstable-pod", "kubepods-besteffort-pod",
	};
	static const char *const behind[] = {"", ".scope", ".slice"};

	for (size_t i = 0; i < ARRAY_SIZE(before) * ARRAY_SIZE(behind); i++) {
		const char *b = before[i / ARRAY_SIZE(behind)], *e = behind[i % ARRAY_SIZE(behind)];
		size_t n = strlen(b), m = strlen(e), hex = 0;
		struct span id;

		if (part.n <= n + m || memcmp(part.p, b, n) != 0 ||
		    memcmp(part.p + part.n - m, e, m) != 0)
			continue;
		id = (struct span){part.p + n, part.n - n - m};
		while (hex < id.n && (is_hex(id.p[hex]) || id.p[hex] == '-' || id.p[hex] == '_'))
			hex++;
		if (hex != id.n || (id.n != 64 && id.n != 36 && id.n != 32))
			continue;
		buf_puts(to, b);
		scrub_hex(s, id, to);
		buf_puts(to, e);
		return true;
	}
	return false;
}

static void scrub_part(struct scrubber *s, struct span part, struct buf *to)
{
	static const char *const endings[] = {".service", ".scope", ".slice"};
	static const char *const named[] = {"lxc.payload.", "machine-", "systemd-nspawn@"};
	const char *ending = "";
	bool digits = true;

	for (size_t i = 0; i < part.n; i++)
		digits &= isdigit((unsigned char)part.p[i]) != 0;
	for (size_t i = 0; i < ARRAY_SIZE(known_parts); i++)
		if (digits || span_is(part, known_parts[i])) {
			buf_add(to, part.p, part.n);
			return;
		}
	if (scrub_container(s, part, to))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
		size_t n = strlen(named[i]);

		if (part.n <= n || memcmp(part.p, named[i], n) != 0)
			continue;
		buf_puts(to, named[i]);
		part = (struct span){part.p + n, part.n - n};
		break;
	}
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		size_t n = strlen(endings[i]);

		if (part.n > n && memcmp(part.p + part.n - n, endings[i], n) == 0)
			ending = endings[i];
	}
	buf_puts(to, scrub_name(s, NAME_GROUP, part.p, part.n - strlen(ending)));
	buf_puts(to, ending);
}

void scrub_path(struct scrubber *s, struct span path, struct buf *to)
{
	struct span part;
	bool first = true;

	while (next_split(&path, '/', &part)) {
		if (!first)
			buf_add(to, "/", 1);
		first = false;
		scrub_part(s, part, to);
	}
}

/* "3:cpu,cpuacct:/user.slice": the hierarchies that are looked into. */
int scrub_cgroups(struct scrubber *s, struct buf *data)
{
	static const char *const kept[] = {"cpu", "cpuacct", "freezer", "memory", "name=systemd", ""};
	struct span text = text_of(data), line, id, controllers;
	struct buf out = {0};

	while (next_line(&text, &line)) {
		struct span left, one;
		bool known = true;

		if (!next_split(&line, ':', &id) || !next_split(&line, ':', &controllers) ||
		    !line.p)
			continue;
		for (size_t i = 0; i < id.n; i++)
			known &= isdigit((unsigned char)id.p[i]) != 0;
		left = controllers;
		while (next_split(&left, ',', &one)) {
			bool found = false;

			for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
				found |= span_is(one, kept[i]);
			known &= found;
		}
		if (!known)
			continue;
		buf_printf(&out, "%.*s:%.*s:", (int)id.n, id.p, (int)controllers.n, controllers.p);
		scrub_path(s, line, &out);
		buf_add(&out, "\n", 1);
	}
	replace(data, &out);
	return 0;
}

/* What collect/container.c keeps of a container: its engine's own words, and names. */
int scrub_container_names(struct scrubber *s, struct buf *data)
{
	static const char *const keys[] = {"name", "pod", "namespace"};
	static const char *const engines[] = {"docker", "containerd", "cri-o", "podman", "unknown"};
	struct span text = text_of(data), line, key, value;
	struct buf out = {0};

	while (next_line(&text, &line)) {
		bool known = false;

		if (!next_field(&line, &key) || !next_field(&line, &value))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			known |= span_is(key, keys[i]);
		if (known)
			buf_printf(&out, "%.*s %s\n", (int)key.n, key.p,
				   scrub_name(s, NAME_GROUP, value.p, value.n));
		for (size_t i = 0; i < ARRAY_SIZE(engines) && span_is(key, "engine"); i++)
			if (span_is(value, engines[i]))
				buf_printf(&out, "engine %s\n", engines[i]);
	}
	replace(data, &out);
	return 0;
}

/* Blanks and the like stand as \040. */
static void unescape(struct span from, struct buf *to)
{
	for (size_t i = 0; i < from.n; i++) {
		const char *o = from.p + i + 1;
		char c = from.p[i];

		if (c == '\\' && from.n - i > 3) {
			c = (char)((o[0] - '0') * 64 + (o[1] - '0') * 8 + (o[2] - '0'));
			i += 3;
		}
		buf_add(to, &c, 1);
	}
}

/* The lines of cgroup hierarchies, and of their options the controllers. */
int scrub_mounts(struct scrubber *s, struct buf *data)
{
	struct span text = text_of(data), line, device, where, type, options, option;
	struct buf out = {0};

	while (next_line(&text, &line)) {
		cleanup(buf_done) struct buf path = {0};

		if (!next_field(&line, &device) || !next_field(&line, &where) ||
		    !next_field(&line, &type) || !next_field(&line, &options) ||
		    (!span_is(type, "cgroup") && !span_is(type, "cgroup2")))
			continue;
		unescape(where, &path);
		buf_puts(&out, "cgroup ");
		scrub_path(s, text_of(&path), &out);
		buf_printf(&out, " %.*s rw", (int)type.n, type.p);
		while (next_split(&options, ',', &option))
			if (span_is(option, "cpu") || span_is(option, "freezer") ||
			    span_is(option, "memory"))
				buf_printf(&out, ",%.*s", (int)option.n, option.p);
		buf_puts(&out, " 0 0\n");
	}
	replace(data, &out);
	return 0;
}

/* ---- nft ---- */

/* Words of nft's own language; any other one is taken for somebody's name. */
static const char *const nft_words[] = {
	"accept", "ack", "add", "address", "ah", "and", "any", "arp", "bridge", "broadcast",
	"burst", "bypass", "bytes", "cgroup", "chain", "code", "comment", "comp", "compatible",
	"connlimit", "constant", "continue", "count", "counter", "ct", "cwr", "daddr", "day",
	"dccp", "delete", "destination-unreachable", "device", "devices", "dnat", "dport", "drop",
	"dscp", "dst", "dup", "dynamic", "ecn", "echo-reply", "echo-request", "egress", "element",
	"elements", "esp", "established", "ether", "exists", "expires", "fib", "filter", "fin",
	"flags", "flow", "forward", "frag-off", "fragment", "fwd", "goto", "handle", "hbh",
	"hook", "hour", "hoplimit", "icmp", "icmpv6", "icmpx", "id", "igmp", "iif", "iifgroup",
	"iifname", "iiftype", "inet", "ingress", "input", "interval", "invalid", "ip", "ip6",
	"jump", "kbytes", "l4proto", "last", "length", "level", "limit", "local", "log", "loopback",
	"map", "mark", "masquerade", "maxseg", "mbytes", "meta", "mh", "minute", "mld-listener-query",
	"mld-listener-report", "mod", "multicast", "nat", "nd-neighbor-advert",
	"nd-neighbor-solicit", "nd-router-advert", "nd-router-solicit", "netdev", "new", "nexthdr",
	"nfproto", "no", "notrack", "num", "oif", "oifgroup", "oifname", "oiftype", "option", "or",
	"original", "output", "over", "packet-too-big", "packets", "parameter-problem", "percent",
	"pkttype", "policy", "port-unreachable", "postrouting", "prefix", "prerouting", "priority",
	"protocol", "psh", "queue", "quota", "random", "rate", "raw", "redirect", "reject",
	"related", "reply", "reset", "return", "route", "rst", "rt", "saddr", "sctp", "second",
	"secmark", "security", "sequence", "set", "size", "snat", "snaplen", "socket", "sport",
	"src", "srcnat", "dstnat", "state", "status", "syn", "synproxy", "table", "tcp", "th",
	"time", "time-exceeded", "timeout", "to", "transparent", "ttl", "type", "typeof", "udp",
	"udplite", "unicast", "untracked", "until", "update", "urg", "used", "vlan", "vmap", "week",
	"with", "xt", "admin-prohibited", "host-unreachable", "net-unreachable", "mangle",
	"ipv4", "ipv6", "ipv6-icmp", "gre", "ipip", "lo",
};

static bool is_nft_word(struct span word)
{
	for (size_t i = 0; i < ARRAY_SIZE(nft_words); i++)
		if (span_is(word, nft_words[i]))
			return true;
	return false;
}

/* "22", "0x00000001", "1024-65535", "30s" */
static bool is_number(struct span word)
{
	if (!word.n || !isdigit((unsigned char)word.p[0]))
		return false;
	if (word.n > 2 && word.p[1] == 'x') {
		for (size_t i = 2; i < word.n; i++)
			if (!isxdigit((unsigned char)word.p[i]))
				return false;
		return word.n <= 10;
	}
	for (size_t i = 0; i < word.n; i++)
		if (!isdigit((unsigned char)word.p[i]) && !strchr("-dhms", word.p[i]))
			return false;
	return true;
}

/* "400/second", "10/minute" */
static bool is_rate(struct span word)
{
	struct span number;

	return next_split(&word, '/', &number) && word.p && is_number(number) &&
	       is_nft_word(word);
}

static int parse_address(struct span word, uint8_t *to)
{
	char text[INET6_ADDRSTRLEN];

	if (word.n >= sizeof(text))
		return 0;
	span_copy(word, text, sizeof(text));
	return inet_pton(AF_INET, text, to) == 1    ? AF_INET
	       : inet_pton(AF_INET6, text, to) == 1 ? AF_INET6
						    : 0;
}

static void put_address(int family, const uint8_t *address, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];

	buf_puts(out, inet_ntop(family, address, text, sizeof(text)) ? text : "");
}

bool scrub_addresses(struct scrubber *s, struct span word, struct buf *out)
{
	struct span left = word, first;
	uint8_t low[16], high[16];
	uint64_t bits;
	int family;

	next_split(&left, memchr(word.p, '/', word.n) ? '/' : '-', &first);
	family = parse_address(first, low);
	if (!family)
		return false;
	if (!left.p) {
		scrub_address(s, family, low, 128);
		put_address(family, low, out);
	} else if (memchr(word.p, '/', word.n)) {
		if (parse_u64(left, 128, &bits) < 0)
			return false;
		scrub_address(s, family, low, (unsigned int)bits);
		put_address(family, low, out);
		buf_printf(out, "/%u", (unsigned int)bits);
	} else {
		if (parse_address(left, high) != family)
			return false;
		scrub_range(s, family, low, high);
		put_address(family, low, out);
		buf_puts(out, "-");
		put_address(family, high, out);
	}
	return true;
}

static void put_word(struct scrubber *s, struct span word, struct buf *out)
{
	if (is_nft_word(word) || is_number(word) || is_rate(word)) {
		buf_add(out, word.p, word.n);
	} else if (word.p[0] == '@') {
		buf_puts(out, "@");
		buf_puts(out, scrub_name(s, NAME_FIREWALL, word.p + 1, word.n - 1));
	} else if (!scrub_addresses(s, word, out)) {
		buf_puts(out, scrub_name(s, NAME_FIREWALL, word.p, word.n));
	}
}

/* A device by its name or a wildcard; anything else in quotes is a comment or the like. */
static void put_quoted(struct scrubber *s, struct span word, struct buf *out)
{
	bool stem = word.n && word.p[word.n - 1] == '*';
	size_t n = word.n - stem;

	buf_puts(out, "\"");
	if (is_known_device(s, word.p, n, stem))
		buf_printf(out, "%s%s", scrub_device(s, word.p, n, stem), stem ? "*" : "");
	else
		buf_puts(out, scrub_name(s, NAME_FIREWALL, word.p, word.n));
	buf_puts(out, "\"");
}

static bool is_separator(char c)
{
	return strchr(" \t\n{}(),;=!<>#|&*", c) != NULL;
}

void scrub_listing(struct scrubber *s, struct buf *data)
{
	struct buf out = {0};

	for (size_t i = 0, end; i < data->len; i = end) {
		const char *p = data->data + i;

		end = i + 1;
		if (*p == '"') {
			while (end < data->len && data->data[end] != '"')
				end++;
			put_quoted(s, (struct span){p + 1, end - i - 1}, &out);
			end += end < data->len;
		} else if (is_separator(*p) || (*p == ':' && end < data->len && data->data[end] == ' ') ||
			   (*p == '.' && end < data->len && data->data[end] == ' ')) {
			buf_add(&out, p, 1);
		} else {
			while (end < data->len && !is_separator(data->data[end]) &&
			       data->data[end] != '"')
				end++;
			put_word(s, (struct span){p, end - i}, &out);
		}
	}
	replace(data, &out);
}
