// SPDX-License-Identifier: GPL-2.0-or-later
/* What a device is said to be, from the answers of a 6.12 kernel with one of each kind. */
#include "observe.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "causes/devices.h"
#include "collect/netlink.h"
#include "scrub/map.h"

#define FIXTURE(name) SOURCE_ROOT "/tests/fixtures/netlink/" name ".bin"
#define OTHER_NETNS 4026532229U

static void load(const char *path, struct buf *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(buf_read_fd(to, fd, 1 << 20), 0);
	close(fd);
}

static void parse(const char *path, int (*parser)(const struct buf *answer, struct snapshot *s),
		  struct snapshot *s)
{
	cleanup(buf_done) struct buf b = {0};

	load(path, &b);
	assert_int_equal(parser(&b, s), 0);
}

/* 6.12, what nobody reads left out: one device of each kind, and peer-links in another namespace. */
static void kinds_are_read(void **state)
{
	static const struct {
		const char *name;
		enum link_info info;
		uint32_t value;
	} told[] = {
		{"br0", INFO_BRIDGE_STP, 1},	    {"br0", INFO_BRIDGE_FORWARD_DELAY, 1500},
		{"br0", INFO_BRIDGE_VLAN_FILTERING, 0}, {"v0", INFO_PORT_STATE, 1},
		{"v0", INFO_PORT_ISOLATED, 1},	    {"v0", INFO_PORT_HAIRPIN, 0},
		{"v0", INFO_BOND_PORT_STATE, INFO_UNKNOWN}, {"m1", INFO_MACVLAN_MODE, 2},
		{"vx0", INFO_VXLAN_ID, 42},	    {"vl5", INFO_VLAN_ID, 5},
		{"bo0", INFO_BOND_MODE, 1},	    {"ipv0", INFO_IPVLAN_MODE, 0},
		{"ipv0", INFO_IPVLAN_FLAGS, 1},	    {"s0", INFO_BOND_PORT_STATE, 0},
		{"s0", INFO_PORT_STATE, INFO_UNKNOWN}, {"lo", INFO_VLAN_ID, INFO_UNKNOWN},
	};
	cleanup(snapshot_done) struct snapshot s = {0};

	(void)state;
	parse(FIXTURE("links-6.12"), parse_links, &s);
	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		const struct link *l = snapshot_link_named(&s, told[i].name);

		assert_non_null(l);
		assert_int_equal(link_info(l, told[i].info), told[i].value);
	}
	assert_string_equal(snapshot_link_named(&s, "wg0")->kind, "wireguard");
	assert_string_equal(snapshot_link_named(&s, "s0")->port_kind, "bond");
	assert_int_equal(snapshot_link_named(&s, "s0")->master_ifindex,
			 snapshot_link_named(&s, "bo0")->ifindex);
	assert_int_equal(link_info(snapshot_link_named(&s, "bo0"), INFO_BOND_ACTIVE),
			 snapshot_link_named(&s, "s0")->ifindex);
	assert_int_equal(link_info(snapshot_link_named(&s, "vx0"), INFO_VXLAN_LINK),
			 snapshot_link_named(&s, "e0")->ifindex);
}

static void peers_are_read(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};
	cleanup(buf_done) struct buf nothing = {0};

	(void)state;
	parse(FIXTURE("peer-links-6.12"), parse_peers, &s);
	assert_int_equal(s.peers.n, 2);
	assert_int_equal(s.peers.items[0].netnsid, 0);
	assert_int_equal(s.peers.items[0].mtu, 1400);
	assert_string_equal(s.peers.items[0].name, "v1");
	assert_string_equal(s.peers.items[0].kind, "veth");
	assert_string_equal(s.peers.items[1].name, "s1");
	/* All of them went away meanwhile. */
	assert_int_equal(parse_peers(&nothing, &s), 0);
	/* A kernel that knows nothing of other namespaces answers of this one. */
	vec_done(&s.peers);
	parse(FIXTURE("links"), parse_peers, &s);
	assert_int_equal(s.peers.n, 0);
}

static struct observation *seen(struct diagnosis *d)
{
	struct observation *o = observe(d);
	struct netns_id *id;

	parse(FIXTURE("links-6.12"), parse_links, &o->b);
	parse(FIXTURE("peer-links-6.12"), parse_peers, &o->b);
	id = vec_push(&o->b.netns_ids);
	id->inode = OTHER_NETNS;
	snprintf(id->name, sizeof(id->name), "web");
	return o;
}

static void is_called(const struct diagnosis *d, const char *name, const char *words)
{
	const struct observation *o = d->observations.items;
	const struct link *l = snapshot_link_named(&o->b, name);
	char text[256];

	assert_non_null(l);
	assert_string_equal(device_words(d, o, l, text, sizeof(text)), words);
}

static void devices_are_named(void **state)
{
	struct diagnosis d = {0};

	(void)state;
	seen(&d);
	is_called(&d, "lo", "");
	is_called(&d, "br0", "bridge of v0");
	is_called(&d, "v0", "veth, its other end is v1 in namespace web, a port of br0");
	is_called(&d, "e0", "veth, its other end is e1");
	is_called(&d, "m1", "macvlan (vepa) on e0");
	is_called(&d, "vx0", "VXLAN 42 on e0");
	is_called(&d, "vl5", "VLAN 5 on e0");
	is_called(&d, "bo0", "bond (active-backup) of s0 (active)");
	is_called(&d, "s0", "veth, its other end is s1 in namespace web, a member of bo0");
	is_called(&d, "ipv0", "ipvlan (private) on e1");
	is_called(&d, "tn0", "IPIP tunnel");
	is_called(&d, "wg0", "WireGuard");
	is_called(&d, "gr0", "GRE tunnel");
	diagnosis_done(&d);
}

/* Without a name, without knowing which it is, without being allowed to ask. */
static void what_is_not_known_is_not_said(void **state)
{
	struct diagnosis d = {0};
	struct observation *o = seen(&d);

	(void)state;
	o->b.netns_ids.items[0].name[0] = '\0';
	is_called(&d, "s0", "veth, its other end is s1 in namespace 4026532229, a member of bo0");
	snprintf(o->b.netns_ids.items[0].name, 64, "host");
	is_called(&d, "s0", "veth, its other end is s1 in the host's namespace, a member of bo0");
	vec_done(&o->b.netns_ids);
	is_called(&d, "s0", "veth, its other end is s1 in another namespace, a member of bo0");
	vec_done(&o->b.peers);
	is_called(&d, "s0", "veth, its other end is in another namespace, a member of bo0");
	diagnosis_done(&d);
}

/* Indexes are the same in many namespaces: the one that the kernel names is meant. */
static void the_right_namespace_is_found(void **state)
{
	struct diagnosis d = {0};
	struct far_end end;
	const struct link *s0;

	(void)state;
	seen(&d);
	for (uint32_t i = 0; i < 3; i++) {
		struct observation *other = observe(&d);
		struct link *l = vec_push(&other->b.links);

		other->inode = OTHER_NETNS - 1 + i;
		snprintf(other->name, sizeof(other->name), "n%u", i);
		s0 = snapshot_link_named(&d.observations.items[0].b, "s0");
		*l = (struct link){.ifindex = s0->peer_ifindex, .peer_ifindex = s0->ifindex,
				   .mtu = 1000 + i, .name = "other", .kind = "veth"};
	}
	assert_true(device_far_end(&d, d.observations.items, s0, &end));
	assert_string_equal(end.netns, "n1");
	assert_int_equal(end.mtu, 1001);
	assert_ptr_equal(end.o, &d.observations.items[2]);
	/* Nothing says which: any of the three may be it. */
	vec_done(&d.observations.items[0].b.netns_ids);
	vec_done(&d.observations.items[0].b.peers);
	assert_false(device_far_end(&d, d.observations.items, s0, &end));
	diagnosis_done(&d);
}

/* Other names, and nothing else is different. */
static void scrubbed_devices_are_the_same(void **state)
{
	static const struct siphash_key key = {1, 2};
	cleanup(buf_done) struct buf plain = {0};
	cleanup(buf_done) struct buf clean = {0};
	cleanup(snapshot_done) struct snapshot before = {0};
	cleanup(snapshot_done) struct snapshot after = {0};
	struct scrubber s;

	(void)state;
	load(FIXTURE("links-6.12"), &plain);
	load(FIXTURE("links-6.12"), &clean);
	scrubber_init(&s, &key);
	assert_int_equal(scrub_netlink(&s, "links", &clean), 0);
	scrubber_learned(&s);
	assert_int_equal(scrub_netlink(&s, "links", &clean), 0);
	scrubber_done(&s);
	assert_int_equal(parse_links(&plain, &before), 0);
	assert_int_equal(parse_links(&clean, &after), 0);
	assert_int_equal(before.links.n, after.links.n);
	for (size_t i = 0; i < before.links.n; i++) {
		struct link *l = &after.links.items[i];

		assert_string_not_equal(l->name, i ? before.links.items[i].name : "");
		memcpy(l->name, before.links.items[i].name, sizeof(l->name));
		assert_memory_equal(l, &before.links.items[i], sizeof(*l));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_read),
		cmocka_unit_test(peers_are_read),
		cmocka_unit_test(devices_are_named),
		cmocka_unit_test(what_is_not_known_is_not_said),
		cmocka_unit_test(the_right_namespace_is_found),
		cmocka_unit_test(scrubbed_devices_are_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
