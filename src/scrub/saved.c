// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What iptables-save prints, word by word: options, the names of its own matches and targets,
 * numbers and ports stay; addresses, devices, chains and sets get the names they have elsewhere;
 * whatever else there is (comments, log prefixes, strings to look for) is somebody's own.
 */
#include "scrub/map.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "base/parse.h"

static const char *const words[] = {
	"*filter", "*nat", "*mangle", "*raw", "*security", "COMMIT", "ACCEPT", "DROP", "REJECT",
	"RETURN", "QUEUE", "LOG", "NFLOG", "NFQUEUE", "MARK", "CONNMARK", "DNAT", "SNAT",
	"MASQUERADE", "REDIRECT", "TCPMSS", "CT", "NOTRACK", "TRACE", "AUDIT", "SET", "SYNPROXY",
	"tcp", "udp", "icmp", "ipv6-icmp", "sctp", "dccp", "udplite", "esp", "ah", "gre", "all",
	"limit", "hashlimit", "connlimit", "connbytes", "quota", "recent", "statistic", "comment",
	"conntrack", "state", "multiport", "mac", "mark", "connmark", "iprange", "length",
	"ttl", "hl",
	"addrtype", "pkttype", "owner", "physdev", "set", "string", "time", "tos", "dscp", "u32",
	"icmp6", "tcpmss", "socket", "helper", "policy", "rpfilter", "cpu", "bpf", "frag", "eui64",
	"srcip", "dstip", "srcport", "dstport", "bytes", "packets", "avgpkt", "both", "original",
	"reply", "random", "nth", "tcp-reset", "icmp-port-unreachable", "icmp-host-unreachable",
	"icmp-net-unreachable", "icmp-proto-unreachable", "icmp-net-prohibited",
	"icmp-host-prohibited", "icmp-admin-prohibited", "icmp6-no-route", "icmp6-adm-prohibited",
	"icmp6-addr-unreachable", "icmp6-port-unreachable", "NEW", "ESTABLISHED", "RELATED",
	"INVALID", "UNTRACKED", "SYN", "ACK", "FIN", "RST", "URG", "PSH", "ALL", "NONE", "LOCAL",
	"UNICAST", "BROADCAST", "MULTICAST", "ANYCAST", "broadcast", "multicast", "unicast", "src",
	"dst", "in", "out", "!", "sec", "second", "min", "minute", "hour", "day", "b", "kb",
	"mb", "s",
};

static bool is_word(struct span word)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (span_is(word, words[i]))
			return true;
	return false;
}

static bool has_only(struct span word, const char *letters)
{
	for (size_t i = 0; i < word.n; i++)
		if (!isdigit((unsigned char)word.p[i]) &&
		    (!word.p[i] || !strchr(letters, word.p[i])))
			return false;
	return word.n > 0;
}

/* "-A", "--dport"; a comment may look so too, but stands behind an option that takes one. */
static bool is_option(struct span word)
{
	if (word.n < 2 || word.p[0] != '-')
		return false;
	for (size_t i = 1; i < word.n; i++)
		if (!isalpha((unsigned char)word.p[i]) && !(i + 1 < word.n && word.p[i] == '-') &&
		    !isdigit((unsigned char)word.p[i]))
			return false;
	return true;
}

static bool takes_text(struct span option)
{
	static const char *const options[] = {
		"--comment", "--log-prefix", "--nflog-prefix", "--string", "--hex-string", "--name",
		"--hashlimit-name", "--helper", "--uid-owner", "--gid-owner", "--path", "--zone",
		"--accounting", "--match-set", "--add-set", "--del-set", "-j", "-g", "-A"};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (span_is(option, options[i]))
			return true;
	return false;
}

static bool takes_ports(struct span option)
{
	static const char *const options[] = {"--dport",    "--sport",	"--dports",
					      "--sports",   "--ports",	"--to-ports",
					      "--limit-burst", "--length"};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (span_is(option, options[i]))
			return true;
	return false;
}

/* Words with commas between: states, flags, modes. */
static bool is_list(struct span word)
{
	struct span part;

	while (word.p && next_split(&word, ',', &part))
		if (!is_word(part))
			return false;
	return true;
}

/* "200/sec", "512kb/s" */
static bool is_rate(struct span word)
{
	struct span number;

	return next_split(&word, '/', &number) && word.p && is_word(word) &&
	       has_only(number, "kmb");
}

static void put_plain(struct scrubber *s, struct span option, struct span word, struct buf *out)
{
	bool device = span_is(option, "-i") || span_is(option, "-o") ||
		      span_is(option, "--physdev-in") || span_is(option, "--physdev-out");
	bool stem = word.p[word.n - 1] == '+';

	if (device) {
		buf_printf(out, "%s%s", scrub_device(s, word.p, word.n - stem, stem),
			   stem ? "+" : "");
	} else if (takes_text(option) && !((span_is(option, "-j") || span_is(option, "-g")) &&
					   is_word(word))) {
		buf_puts(out, scrub_name(s, NAME_FIREWALL, word.p, word.n));
	} else if (is_option(word) || is_list(word) || is_rate(word) || has_only(word, "") ||
		   (takes_ports(option) && has_only(word, ":,"))) {
		buf_add(out, word.p, word.n);
	} else if (!scrub_addresses(s, word, out)) {
		buf_puts(out, scrub_name(s, NAME_FIREWALL, word.p, word.n));
	}
}

/* Rules, and the lines between them; the policies' counters and the date are left out. */
static void put_line(struct scrubber *s, struct span line, struct buf *out)
{
	struct span option = {0}, word;

	while (line.n) {
		bool quoted = *line.p == '"';
		size_t n = quoted;

		if (*line.p == ' ') {
			buf_puts(out, " ");
			line.p++, line.n--;
			continue;
		}
		while (n < line.n && (quoted ? line.p[n] != '"' : line.p[n] != ' '))
			n += quoted && line.p[n] == '\\' && n + 1 < line.n ? 2 : 1;
		word = (struct span){line.p + quoted, n - quoted};
		if (quoted)
			buf_printf(out, "\"%s\"", scrub_name(s, NAME_FIREWALL, word.p, word.n));
		else
			put_plain(s, option, word, out);
		option = word;
		n += quoted && n < line.n;
		line.p += n, line.n -= n;
	}
	buf_puts(out, "\n");
}

void scrub_saved(struct scrubber *s, struct buf *data)
{
	struct span text = {.p = data->data, .n = data->len}, line;
	struct buf out = {0};

	while (next_line(&text, &line))
		if (line.n && *line.p != '#' && *line.p != ':')
			put_line(s, line, &out);
	buf_done(data);
	*data = out;
}
