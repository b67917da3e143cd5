// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One accept rule in a chain of nf_tables, and the policy of a base chain (net/netfilter/
 * nf_tables_api.c). The rule has the comment "whydrop" and is known by that and its expressions,
 * which the kernel tells byte for byte as they were given. A transaction says of which generation
 * of the rules it is: what was changed by somebody else in between is refused with ERESTART
 * (nfnetlink_rcv_batch), and looked at again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>

#include "nl/nl.h"
#include "remedy/ask.h"
#include "remedy/kinds.h"

#define TRIES 4
#define OF_NFT(message) (NFNL_SUBSYS_NFTABLES << 8 | (message))

static const char comment[] = "whydrop";

struct place {
	uint8_t family;
	char table[NFT_NAME_MAXLEN], chain[NFT_NAME_MAXLEN];
	bool policy; /* of the chain; else a rule */
	uint64_t before; /* handle of the rule it stands before; 0: at the end */
	uint8_t protocol;
	uint16_t port; /* 0: the protocol alone */
	bool by_source;
};

/* ---- the key ---- */

static int take_family(struct span name, uint8_t *ret)
{
	static const struct {
		const char *name;
		uint8_t family;
	} families[] = {{"ip", NFPROTO_IPV4},	      {"ip6", NFPROTO_IPV6},
			{"inet", NFPROTO_INET},	      {"bridge", NFPROTO_BRIDGE},
			{"netdev", NFPROTO_NETDEV}};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		if (span_is(name, families[i].name)) {
			*ret = families[i].family;
			return 0;
		}
	}
	return -EINVAL;
}

static int take_protocol(struct span name, uint8_t *ret)
{
	static const struct {
		const char *name;
		uint8_t protocol;
	} protocols[] = {{"tcp", IPPROTO_TCP},	 {"udp", IPPROTO_UDP},
			 {"sctp", IPPROTO_SCTP}, {"icmp", IPPROTO_ICMP},
			 {"ipv6-icmp", IPPROTO_ICMPV6}};
	uint64_t number;

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (span_is(name, protocols[i].name)) {
			*ret = protocols[i].protocol;
			return 0;
		}
	}
	if (parse_u64(name, UINT8_MAX, &number) < 0 || !number)
		return -EINVAL;
	*ret = (uint8_t)number;
	return 0;
}

/* "tcp dport 443" or "meta l4proto 47", and nothing behind it. */
static int take_match(struct span rest, struct place *ret)
{
	struct span first, second, third;
	uint64_t port;

	if (!next_field(&rest, &first) || !next_field(&rest, &second) || !next_field(&rest, &third) ||
	    rest.n)
		return -EINVAL;
	if (span_is(first, "meta") && span_is(second, "l4proto"))
		return take_protocol(third, &ret->protocol);
	ret->by_source = span_is(second, "sport");
	if ((!ret->by_source && !span_is(second, "dport")) || take_protocol(first, &ret->protocol) < 0 ||
	    parse_u64(third, UINT16_MAX, &port) < 0 || !port)
		return -EINVAL;
	ret->port = (uint16_t)port;
	return 0;
}

static int take_key(const char *key, struct place *ret)
{
	struct span rest = span_of(key), family, table, chain, where, number;

	*ret = (struct place){0};
	if (!next_field(&rest, &family) || !next_field(&rest, &table) || !next_field(&rest, &chain) ||
	    !next_field(&rest, &where) || take_family(family, &ret->family) < 0 ||
	    table.n >= sizeof(ret->table) || chain.n >= sizeof(ret->chain))
		return -EINVAL;
	span_copy(table, ret->table, sizeof(ret->table));
	span_copy(chain, ret->chain, sizeof(ret->chain));
	ret->policy = span_is(where, "policy");
	if (ret->policy)
		return rest.n ? -EINVAL : 0;
	if (span_is(where, "handle")) {
		if (!next_field(&rest, &number) || parse_u64(number, UINT64_MAX, &ret->before) < 0 ||
		    !ret->before)
			return -EINVAL;
	} else if (!span_is(where, "end")) {
		return -EINVAL;
	}
	return take_match(rest, ret);
}

/* ---- the rule ---- */

/* nf_tables nests without NLA_F_NESTED, and what it tells is compared with what it was told. */
static struct nlattr *nest(struct nl_msg *m, int type)
{
	return nla_reserve(m, type, 0);
}

static struct nlattr *expression(struct nl_msg *m, const char *name, struct nlattr **ret_data)
{
	struct nlattr *element = nest(m, NFTA_LIST_ELEM);

	nla_put_string(m, NFTA_EXPR_NAME, name);
	*ret_data = nest(m, NFTA_EXPR_DATA);
	return element;
}

static void end(struct nl_msg *m, struct nlattr *element, struct nlattr *data)
{
	nla_nest_end(m, data);
	nla_nest_end(m, element);
}

static void put_cmp(struct nl_msg *m, const void *value, int size)
{
	struct nlattr *data, *element = expression(m, "cmp", &data), *value_nest;

	nla_put_u32(m, NFTA_CMP_SREG, htonl(NFT_REG_1));
	nla_put_u32(m, NFTA_CMP_OP, htonl(NFT_CMP_EQ));
	value_nest = nest(m, NFTA_CMP_DATA);
	nla_put(m, NFTA_DATA_VALUE, size, value);
	nla_nest_end(m, value_nest);
	end(m, element, data);
}

static void put_accept(struct nl_msg *m)
{
	struct nlattr *data, *element = expression(m, "immediate", &data), *value, *verdict;

	nla_put_u32(m, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
	value = nest(m, NFTA_IMMEDIATE_DATA);
	verdict = nest(m, NFTA_DATA_VERDICT);
	nla_put_u32(m, NFTA_VERDICT_CODE, htonl(NF_ACCEPT));
	nla_nest_end(m, verdict);
	nla_nest_end(m, value);
	end(m, element, data);
}

/* In the order in which the kernel tells the attributes (nft_*_dump). */
static void put_expressions(struct nl_msg *m, const struct place *p)
{
	struct nlattr *list = nest(m, NFTA_RULE_EXPRESSIONS), *data, *element;
	uint16_t port = htons(p->port);

	element = expression(m, "meta", &data);
	nla_put_u32(m, NFTA_META_KEY, htonl(NFT_META_L4PROTO));
	nla_put_u32(m, NFTA_META_DREG, htonl(NFT_REG_1));
	end(m, element, data);
	put_cmp(m, &p->protocol, sizeof(p->protocol));
	if (p->port) {
		element = expression(m, "payload", &data);
		nla_put_u32(m, NFTA_PAYLOAD_DREG, htonl(NFT_REG_1));
		nla_put_u32(m, NFTA_PAYLOAD_BASE, htonl(NFT_PAYLOAD_TRANSPORT_HEADER));
		nla_put_u32(m, NFTA_PAYLOAD_OFFSET, htonl(p->by_source ? 0 : 2));
		nla_put_u32(m, NFTA_PAYLOAD_LEN, htonl(sizeof(port)));
		end(m, element, data);
		put_cmp(m, &port, sizeof(port));
	}
	put_accept(m);
	nla_nest_end(m, list);
}

/* As nft writes a comment: its type (0), its length with the end, the text. */
static void put_comment(struct nl_msg *m)
{
	char data[2 + sizeof(comment)] = {0, sizeof(comment)};

	memcpy(data + 2, comment, sizeof(comment));
	nla_put(m, NFTA_RULE_USERDATA, sizeof(data), data);
}

static bool has_comment(struct nlattr *userdata)
{
	return userdata && (size_t)nla_len(userdata) >= 2 + sizeof(comment) &&
	       memcmp((const char *)nla_data(userdata) + 2, comment, sizeof(comment)) == 0;
}

/* ---- asking ---- */

static struct nl_msg *message(const struct place *p, int type, uint16_t flags)
{
	struct nfgenmsg g = {.nfgen_family = p->family, .version = NFNETLINK_V0};

	return ask_new((uint16_t)OF_NFT(type), flags, &g, sizeof(g));
}

static int generation(const struct place *p, uint32_t *ret)
{
	cleanup(buf_done) struct buf answer = {0};
	ask_message *m = message(p, NFT_MSG_GETGEN, 0);
	int r = ask(NETLINK_NETFILTER, m, &answer);

	if (r < 0)
		return r;
	nl_each (told, &answer) {
		struct nlattr *t[NFTA_GEN_MAX + 1];

		if (nl_parse(told.h, sizeof(struct nfgenmsg), t, NFTA_GEN_MAX, NULL) < 0 ||
		    !t[NFTA_GEN_ID] || nla_len(t[NFTA_GEN_ID]) < 4)
			return -EBADMSG;
		*ret = ntohl(nla_get_u32(t[NFTA_GEN_ID]));
		return 0;
	}
	return -EBADMSG;
}

static bool is_ours(struct nlattr **t, const struct place *p, const struct nlattr *expressions)
{
	const struct nlattr *told = t[NFTA_RULE_EXPRESSIONS];

	return t[NFTA_RULE_TABLE] && t[NFTA_RULE_CHAIN] && t[NFTA_RULE_HANDLE] && told &&
	       nla_strcmp(t[NFTA_RULE_TABLE], p->table) == 0 &&
	       nla_strcmp(t[NFTA_RULE_CHAIN], p->chain) == 0 && has_comment(t[NFTA_RULE_USERDATA]) &&
	       told->nla_len == expressions->nla_len &&
	       memcmp(nla_data(told), nla_data(expressions), (size_t)nla_len(told)) == 0;
}

/* The handle of our rule, 0 if there is none. */
static int find_rule(const struct place *p, uint64_t *ret)
{
	cleanup(buf_done) struct buf answer = {0};
	ask_message *like = message(p, NFT_MSG_NEWRULE, 0);
	ask_message *m = message(p, NFT_MSG_GETRULE, NLM_F_DUMP);
	const struct nlattr *expressions;
	int r;

	put_expressions(like, p);
	expressions = nlmsg_attrdata(nlmsg_hdr(like), sizeof(struct nfgenmsg));
	nla_put_string(m, NFTA_RULE_TABLE, p->table);
	nla_put_string(m, NFTA_RULE_CHAIN, p->chain);
	r = ask(NETLINK_NETFILTER, m, &answer);
	if (r < 0)
		return r;
	*ret = 0;
	nl_each (told, &answer) {
		struct nlattr *t[NFTA_RULE_MAX + 1];

		if (nl_parse(told.h, sizeof(struct nfgenmsg), t, NFTA_RULE_MAX, NULL) < 0)
			return -EBADMSG;
		if (is_ours(t, p, expressions)) {
			memcpy(ret, nla_data(t[NFTA_RULE_HANDLE]), sizeof(*ret));
			*ret = be64toh(*ret);
			return 0;
		}
	}
	return 0;
}

static int read_policy(const struct place *p, uint32_t *ret)
{
	cleanup(buf_done) struct buf answer = {0};
	ask_message *m = message(p, NFT_MSG_GETCHAIN, 0);
	int r;

	nla_put_string(m, NFTA_CHAIN_TABLE, p->table);
	nla_put_string(m, NFTA_CHAIN_NAME, p->chain);
	r = ask(NETLINK_NETFILTER, m, &answer);
	if (r < 0)
		return r;
	nl_each (told, &answer) {
		struct nlattr *t[NFTA_CHAIN_MAX + 1];

		if (nl_parse(told.h, sizeof(struct nfgenmsg), t, NFTA_CHAIN_MAX, NULL) < 0)
			return -EBADMSG;
		if (!t[NFTA_CHAIN_POLICY])
			return -EOPNOTSUPP;
		*ret = ntohl(nla_get_u32(t[NFTA_CHAIN_POLICY]));
		return 0;
	}
	return -EBADMSG;
}

static int nft_read(const struct change_place *place, const char *key, struct buf *ret)
{
	uint32_t policy = NF_ACCEPT;
	uint64_t handle = 0;
	struct place p;
	int r = take_key(key, &p);

	(void)place;
	if (r == 0)
		r = p.policy ? read_policy(&p, &policy) : find_rule(&p, &handle);
	if (r < 0)
		return r;
	buf_clear(ret);
	if (p.policy)
		buf_puts(ret, policy == NF_ACCEPT ? "accept" : "drop");
	else
		buf_puts(ret, handle ? "accept" : "");
	return 0;
}

/* ---- transactions ---- */

static void add_message(struct buf *to, struct nl_msg *m)
{
	buf_add(to, nlmsg_hdr(m), NLMSG_ALIGN(nlmsg_hdr(m)->nlmsg_len));
}

static void add_frame(struct buf *to, uint16_t type, const uint32_t *generation)
{
	struct nfgenmsg g = {.nfgen_family = AF_UNSPEC,
			     .version = NFNETLINK_V0,
			     .res_id = htons(NFNL_SUBSYS_NFTABLES)};
	ask_message *m = ask_new(type, 0, &g, sizeof(g));

	if (generation)
		nla_put_u32(m, NFNL_BATCH_GENID, htonl(*generation));
	add_message(to, m);
}

static int commit(struct nl_msg *m, uint32_t generation)
{
	cleanup(buf_done) struct buf batch = {0};

	nlmsg_hdr(m)->nlmsg_flags |= NLM_F_ACK;
	add_frame(&batch, NFNL_MSG_BATCH_BEGIN, &generation);
	add_message(&batch, m);
	add_frame(&batch, NFNL_MSG_BATCH_END, NULL);
	return nl_batch(NETLINK_NETFILTER, batch.data, batch.len);
}

static void put_u64(struct nl_msg *m, int type, uint64_t value)
{
	value = htobe64(value);
	nla_put(m, type, sizeof(value), &value);
}

static int change_rule(const struct place *p, bool wanted, uint32_t generation)
{
	uint64_t handle;
	int r = find_rule(p, &handle);

	if (r < 0 || !!handle == wanted)
		return r;
	/* With a rule named, NEWRULE without NLM_F_APPEND stands before it; without, it comes last. */
	ask_message *m = message(p, wanted ? NFT_MSG_NEWRULE : NFT_MSG_DELRULE,
				 !wanted     ? 0
				 : p->before ? NLM_F_CREATE
					     : NLM_F_CREATE | NLM_F_APPEND);

	nla_put_string(m, NFTA_RULE_TABLE, p->table);
	nla_put_string(m, NFTA_RULE_CHAIN, p->chain);
	if (!wanted)
		put_u64(m, NFTA_RULE_HANDLE, handle);
	if (wanted && p->before)
		put_u64(m, NFTA_RULE_POSITION, p->before);
	if (wanted) {
		put_expressions(m, p);
		put_comment(m);
	}
	return commit(m, generation);
}

static int change_policy(const struct place *p, uint32_t to, uint32_t generation)
{
	uint32_t now;
	int r = read_policy(p, &now); /* NEWCHAIN would make a chain that is not there */

	if (r < 0 || now == to)
		return r;
	ask_message *m = message(p, NFT_MSG_NEWCHAIN, 0);

	nla_put_string(m, NFTA_CHAIN_TABLE, p->table);
	nla_put_string(m, NFTA_CHAIN_NAME, p->chain);
	nla_put_u32(m, NFTA_CHAIN_POLICY, htonl(to));
	return commit(m, generation);
}

static int nft_write(const struct change_place *place, const char *key, const char *value)
{
	bool accept = strcmp(value, "accept") == 0;
	uint32_t genid;
	struct place p;
	int r = take_key(key, &p);

	(void)place;
	if (r == 0 && !accept && strcmp(value, p.policy ? "drop" : "") != 0)
		r = -EINVAL;
	for (unsigned int i = 0; r == 0 && i < TRIES; i++) {
		r = generation(&p, &genid);
		if (r == 0)
			r = p.policy ? change_policy(&p, accept ? NF_ACCEPT : NF_DROP, genid)
				     : change_rule(&p, accept, genid);
		if (r != -ERESTART)
			return r;
		r = 0;
	}
	return r < 0 ? r : -EAGAIN;
}

static unsigned int nft_needs(const char *key)
{
	(void)key;
	return CHANGE_NEEDS_FOR;
}

static const char *nft_refusal(const char *key, int err)
{
	(void)key;
	switch (err) {
	case -ENOENT:
		return "the table, the chain or the rule that it would stand before is gone";
	case -EAGAIN:
		return "another program changes the rules all the time";
	case -EOPNOTSUPP:
		return "the chain hangs on no hook: it has no policy";
	case -EPERM:
		return "it wants CAP_NET_ADMIN in this namespace";
	}
	return NULL;
}

const struct change_kind nft_kind = {
	.name = "nft",
	.read = nft_read,
	.write = nft_write,
	.needs = nft_needs,
	.refusal = nft_refusal,
};
