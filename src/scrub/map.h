/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes what in a scrubbed recording, and the parts of the scrubber for one kind of entry
 * each.
 *
 * Everything is gone through twice. The first time (`learning`) what is made is thrown away: only
 * the bounds of address ranges, the stems of device wildcards and the types of sets are gathered,
 * on which the substitutes depend.
 */
#ifndef WHYDROP_SCRUB_MAP_H
#define WHYDROP_SCRUB_MAP_H

#include "base/buf.h"
#include "base/parse.h"
#include "base/siphash.h"

enum name_kind {
	NAME_DEVICE,
	NAME_STEM, /* of devices: "veth" of "veth*" */
	NAME_FIREWALL, /* tables, chains, sets */
	NAME_PROGRAM,
	NAME_GROUP, /* a part of a path */
	NAME_HOST,
	NAME_NETNS,
};

/* Of these bits of an address the ones from `from` on are the same before and after. */
struct pin {
	uint8_t family, from, length;
	uint8_t address[16];
};

struct name {
	enum name_kind kind;
	size_t n;
	char *text;
	char to[24];
};

struct stem {
	size_t n;
	char text[16];
};

/* What the bytes of a comparison or the keys of a set are. */
enum what {
	UNKNOWN,
	PLAIN, /* protocols, ports, states: tells nothing */
	NFPROTO,
	ETHERTYPE,
	SAME_ADDRESS,
	BOTH_ADDRESSES, /* IPv4, source and destination */
	DEVICE_NAME,
};

/* A set of nf_tables by its table and name, and what its keys are. */
struct set_type {
	uint8_t family, what, address_family;
	char *table, *name;
};

struct chain_name {
	uint8_t family;
	char *table, *name;
};

struct recording;

struct scrubber {
	struct siphash_key key;
	bool learning;
	VEC(struct pin) pins;
	VEC(struct name) names;
	size_t *by_text, *by_to, slots; /* open addressing: index + 1 */
	VEC(struct stem) stems;
	VEC(struct set_type) sets;
	VEC(struct chain_name) chains;
};

void scrubber_init(struct scrubber *s, const struct siphash_key *key);
void scrubber_done(struct scrubber *s);
/* Ends learning: from now on names are given. */
void scrubber_learned(struct scrubber *s);

/* A whole recording; the scrubber tells afterwards what became what. */
void scrub_all(struct scrubber *s, struct recording *r);

/* The first `bits` bits of an address; the others are not looked at. */
void scrub_address(const struct scrubber *s, int family, uint8_t *address, unsigned int bits);
/* Both ends, inclusive, whole addresses. */
void scrub_range(struct scrubber *s, int family, uint8_t *low, uint8_t *high);
/* An address as text, with a prefix length or another one behind it; false: no such thing. */
bool scrub_addresses(struct scrubber *s, struct span word, struct buf *to);
/* How many leading ones, if these are all the ones there are; else -1. */
int mask_bits(const uint8_t *mask, size_t size);

/* The substitute; valid until the next call. */
const char *scrub_name(struct scrubber *s, enum name_kind kind, const char *text, size_t n);
/* A device, or the stem of a wildcard; at most 15 characters. */
const char *scrub_device(struct scrubber *s, const char *text, size_t n, bool stem);
/* Of a firewall name that may have been cut to n characters. */
const char *scrub_cut_name(struct scrubber *s, const char *text, size_t n);
/* True if that was met as a device (or stem) before. */
bool is_known_device(const struct scrubber *s, const char *text, size_t n, bool stem);

/* Each rewrites *data; -EBADMSG: it is not what it should be and must be left out. */
/* -ENOENT: an answer of a name that nobody knows. */
int scrub_netlink(struct scrubber *s, const char *name, struct buf *data);
int scrub_set(struct scrubber *s, struct buf *data);
/* An answer of SIOCETHTOOL to this question; NULL: it failed. */
int scrub_ethtool(const char *what, struct buf *data);
int scrub_iptables(struct scrubber *s, bool v6, struct buf *data);
/* The data of one x_tables match. */
void scrub_match(struct scrubber *s, bool v6, const char *name, uint8_t *info, size_t size);
/* `nft list chain`: words that are none of nft's own, and addresses. */
void scrub_listing(struct scrubber *s, struct buf *data);
/* `iptables-save`: likewise. */
void scrub_saved(struct scrubber *s, struct buf *data);

/* Kernel text. */
int scrub_process_stat(struct scrubber *s, struct buf *data);
int scrub_cgroups(struct scrubber *s, struct buf *data);
int scrub_mounts(struct scrubber *s, struct buf *data);
/* Who fills a table, as collect/crowd.c keeps it. */
int scrub_crowd(struct scrubber *s, struct buf *data);
int scrub_container_names(struct scrubber *s, struct buf *data);
/* An id of hex digits, or a uid: another one of the same shape; *to is added to. */
void scrub_hex(struct scrubber *s, struct span text, struct buf *to);
/* /proc/net/raw and raw6, or /proc/net/packet. */
/* Files of sockets under /proc/net. */
enum socket_file { SOCKET_FILE_RAW, SOCKET_FILE_PACKET, SOCKET_FILE_NETLINK };
int scrub_socket_file(struct scrubber *s, enum socket_file which, struct buf *data);
/* Full queues of AF_UNIX, as collect/unix.c keeps them. */
int scrub_unix_queues(struct scrubber *s, struct buf *data);
int scrub_interrupts(struct scrubber *s, struct buf *data);
int scrub_queues(struct scrubber *s, struct buf *data);
int scrub_cpu_tasks(struct scrubber *s, struct buf *data);
/* What the host is, as collect/host_system.c keeps it: all but its name. */
int scrub_host_system(struct scrubber *s, struct buf *data);
/* The firmware's table without serial numbers, asset tags, UUID and what nobody reads. */
int scrub_smbios(struct buf *data);
int scrub_host_mounts(struct scrubber *s, struct buf *data);
int scrub_kernel_log(struct scrubber *s, struct buf *data);
/* As collect/doing*.c keep them, and /proc/swaps. */
enum doing_text { DOING_TEXT_PROCESSES, DOING_TEXT_CGROUPS, DOING_TEXT_POLICIES, DOING_TEXT_SWAPS };
int scrub_doing(struct scrubber *s, enum doing_text which, struct buf *data);
/* A path, part by part; *to is added to. */
void scrub_path(struct scrubber *s, struct span path, struct buf *to);
/* Only these characters and blanks. */
bool is_plain_text(const struct buf *data, const char *also);

/* ---- between scrub.c and the parts of it ---- */

bool is_one_of(const char *const *list, const char *text);
extern const char *const iptables_tables[]; /* the legacy ones; NULL ends */
/* Rows of its table; see there. */
int scrub_answer(struct scrubber *s, const char *name, struct buf *data, struct buf *to);
int scrub_elements(struct scrubber *s, const char *name, struct buf *data, struct buf *to);
int scrub_option(struct scrubber *s, const char *name, struct buf *data, struct buf *to);
int scrub_card(struct scrubber *s, const char *name, struct buf *data, struct buf *to);
int scrub_list(struct scrubber *s, const char *name, struct buf *data, struct buf *to);
int scrub_save(struct scrubber *s, const char *name, struct buf *data, struct buf *to);
int scrub_late(struct scrubber *s, const char *name, struct buf *data, struct buf *to);
/* The JSON of drops.json and tcp.json, and of what the recording is of. */
int scrub_drops(struct scrubber *s, struct buf *data);
int scrub_tcp_lines(struct scrubber *s, struct buf *data);
struct json_t;
void scrub_meta(struct scrubber *s, struct json_t *meta);

/* ---- between the netlink files ---- */

struct nlattr;

size_t attr_open(struct buf *out, int type);
/* -EMSGSIZE if it became longer than an attribute can be. */
int attr_close(struct buf *out, size_t at);
void attr_put(struct buf *out, int type, const void *data, size_t n);
void attr_put_text(struct buf *out, int type, const char *text);
/* A table, chain or set name as an attribute. */
void attr_put_name(struct scrubber *s, struct buf *out, const struct nlattr *from);

/* NFTA_DATA_VALUE within an attribute of that type. */
void attr_put_value(struct buf *out, int type, const uint8_t *value, size_t n);
const struct set_type *scrub_find_set(const struct scrubber *s, uint8_t family, const char *table,
				      const char *name);

/* The expressions of a rule: what is inside NFTA_RULE_EXPRESSIONS. */
int scrub_expressions(struct scrubber *s, uint8_t family, const char *table,
		      const struct nlattr *list, struct buf *out);
/* NFTA_DATA_VERDICT, if it is one; nothing otherwise. */
int scrub_verdict(struct scrubber *s, int type, struct nlattr *data, struct buf *out);

#endif
