// SPDX-License-Identifier: GPL-2.0-or-later
/* What `whydrop host` makes of firmware tables and of hosts that this machine is not. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <utmp.h>

#include <cmocka.h>

#include "collect/host_facts.h"
#include "collect/smbios.h"
#include "scrub/map.h"

/* ---- SMBIOS, laid out as DSP0134 has it ---- */

struct structure {
	uint8_t data[128];
	size_t length;
};

static struct structure structure(uint8_t type, uint8_t length, uint16_t handle)
{
	struct structure s = {.length = length};

	s.data[0] = type;
	s.data[1] = length;
	s.data[2] = (uint8_t)handle;
	s.data[3] = (uint8_t)(handle >> 8);
	return s;
}

static void put(struct structure *s, size_t at, size_t size, uint64_t value)
{
	for (size_t i = 0; i < size; i++)
		s->data[at + i] = (uint8_t)(value >> (8 * i));
}

/* Strings are separated by '|'. */
static void add(struct buf *table, const struct structure *s, const char *strings)
{
	size_t at;

	buf_add(table, s->data, s->length);
	at = table->len;
	buf_add(table, strings, strlen(strings) + 1);
	for (; at < table->len; at++)
		if (table->data[at] == '|')
			table->data[at] = '\0';
	buf_add(table, "\0", 1);
}

static void add_system(struct buf *table)
{
	struct structure s = structure(SMBIOS_BIOS, 0x18, 0);

	put(&s, 4, 1, 1);
	put(&s, 5, 1, 2);
	put(&s, 8, 1, 3);
	add(table, &s, "American Megatrends|3.2a |11/04/2023");
	s = structure(SMBIOS_SYSTEM, 0x1b, 1);
	for (size_t i = 0; i < 4; i++)
		put(&s, 4 + i, 1, i + 1);
	memset(s.data + 8, 0xab, 16);
	add(table, &s, "Supermicro|SYS-6029|0123|S123456789");
	s = structure(SMBIOS_BOARD, 0x0f, 2);
	put(&s, 4, 1, 1);
	put(&s, 5, 1, 2);
	put(&s, 7, 1, 3);
	add(table, &s, "Supermicro|X11DPU|BOARDSERIAL");
	s = structure(11, 5, 3);
	put(&s, 4, 1, 1);
	add(table, &s, "OEM-SECRET");
}

static void add_processors(struct buf *table)
{
	struct structure s = structure(SMBIOS_PROCESSOR, 0x30, 4);

	put(&s, 4, 1, 1);
	put(&s, 5, 1, 3);
	put(&s, 7, 1, 2);
	put(&s, 0x10, 1, 3);
	put(&s, 0x14, 2, 4000);
	put(&s, 0x16, 2, 2400);
	put(&s, 0x18, 1, 0x41);
	put(&s, 0x23, 1, 0xff);
	put(&s, 0x24, 1, 32);
	put(&s, 0x25, 1, 0xff);
	put(&s, 0x2a, 2, 288);
	put(&s, 0x2e, 2, 576);
	add(table, &s, "CPU1|Intel|Xeon 6");
	s = structure(SMBIOS_PROCESSOR, 0x1a, 5);
	put(&s, 4, 1, 1);
	put(&s, 5, 1, 3);
	add(table, &s, "CPU2");
}

static void add_module(struct buf *table, uint16_t array, uint64_t size, uint32_t extended,
		       const char *strings)
{
	struct structure s = structure(SMBIOS_MEMORY, 0x5c, 0x20);

	put(&s, 4, 2, array);
	put(&s, 0x0c, 2, size);
	put(&s, 0x10, 1, 1);
	put(&s, 0x11, 1, 2);
	put(&s, 0x12, 1, 0x1a);
	put(&s, 0x15, 2, 3200);
	put(&s, 0x17, 1, 3);
	put(&s, 0x18, 1, 4);
	put(&s, 0x1a, 1, 5);
	put(&s, 0x1b, 1, 2);
	put(&s, 0x1c, 4, extended);
	put(&s, 0x20, 2, 2933);
	add(table, &s, strings);
}

static struct buf made_table(void)
{
	struct buf table = {0};
	struct structure s;

	add_system(&table);
	add_processors(&table);
	s = structure(SMBIOS_ARRAY, 0x17, 0x10);
	put(&s, 5, 1, 3);
	put(&s, 6, 1, 6);
	put(&s, 7, 4, 0x80000000);
	put(&s, 0x0d, 2, 4);
	put(&s, 0x0f, 8, (uint64_t)6 << 40);
	add(&table, &s, "");
	/* Flash: no system memory. */
	s = structure(SMBIOS_ARRAY, 0x0f, 0x11);
	put(&s, 5, 1, 5);
	add(&table, &s, "");
	add_module(&table, 0x10, 16384, 0, "P1-DIMMA1|P0|Samsung|MODSERIAL|M393A2K40");
	add_module(&table, 0x10, 0x7fff, 65536, "P1-DIMMB1|P0|Samsung|MODSERIAL|M386AAG40");
	add_module(&table, 0x10, 0, 0, "P1-DIMMC1");
	add_module(&table, 0x10, 0xffff, 0, "P1-DIMMD1");
	add_module(&table, 0x11, 0x8000 | 512, 0, "FLASH");
	s = structure(SMBIOS_END, 4, 0xfeff);
	add(&table, &s, "");
	return table;
}

static void smbios_is_read(void **state)
{
	struct buf table = made_table();
	struct host_firmware f = {0};

	(void)state;
	assert_int_equal(parse_smbios_table(&table, &f), 0);
	assert_string_equal(f.vendor, "American Megatrends");
	assert_string_equal(f.version, "3.2a");
	assert_string_equal(f.date, "11/04/2023");
	assert_string_equal(f.product, "SYS-6029");
	assert_string_equal(f.board, "X11DPU");
	assert_int_equal(f.processors.n, 2);
	assert_int_equal(f.processors.items[0].cores, 288);
	assert_int_equal(f.processors.items[0].cores_enabled, 32);
	assert_int_equal(f.processors.items[0].threads, 576);
	assert_true(f.processors.items[0].populated);
	assert_false(f.processors.items[1].populated);
	assert_int_equal(f.arrays.n, 1);
	assert_int_equal(f.arrays.items[0].max_bytes, (uint64_t)6 << 40);
	assert_string_equal(smbios_ecc_name(f.arrays.items[0].ecc), "multi-bit ECC");
	assert_int_equal(f.memory.n, 4);
	assert_int_equal(f.memory.items[0].bytes, (uint64_t)16 << 30);
	assert_int_equal(f.memory.items[1].bytes, (uint64_t)64 << 30);
	assert_true(f.memory.items[2].size_known);
	assert_int_equal(f.memory.items[2].bytes, 0);
	assert_false(f.memory.items[3].size_known);
	assert_string_equal(f.memory.items[1].locator, "P1-DIMMB1");
	assert_string_equal(f.memory.items[1].part, "M386AAG40");
	assert_string_equal(smbios_memory_type_name(f.memory.items[1].type), "DDR4");
	assert_int_equal(f.memory.items[0].mts, 3200);
	assert_int_equal(f.memory.items[0].mts_now, 2933);
	assert_int_equal(f.memory.items[0].ranks, 2);
	assert_int_equal(host_firmware_memory(&f), (uint64_t)80 << 30);
	host_firmware_done(&f);
	buf_done(&table);
}

/* Each byte changed in several ways, and each length: an error or a result, within the table. */
static void smbios_may_be_anything(void **state)
{
	static const uint8_t with[] = {0, 1, 3, 4, 0x7f, 0x80, 0xff};
	struct buf whole = made_table();
	unsigned int refused = 0;

	(void)state;
	for (size_t n = 0; n <= whole.len; n++) {
		/* Exactly as long: a reader that goes too far is caught by the sanitizer. */
		char *copy = malloc(n ? n : 1);
		struct buf cut = {.data = copy, .len = n, .capacity = n};
		struct host_firmware f = {0};

		memcpy(copy, whole.data, n);
		refused += parse_smbios_table(&cut, &f) == -EBADMSG;
		host_firmware_done(&f);
		free(copy);
	}
	/* At the end of a structure a cut cannot be told; those before the end are 14. */
	assert_in_range(refused, whole.len - 14, whole.len - 12);
	for (size_t at = 0; at < whole.len; at++)
		for (size_t i = 0; i < sizeof(with); i++) {
			char *copy = malloc(whole.len);
			struct buf changed = {.data = copy, .len = whole.len};
			struct host_firmware f = {0};

			memcpy(copy, whole.data, whole.len);
			copy[at] = (char)with[i];
			parse_smbios_table(&changed, &f);
			host_firmware_done(&f);
			free(copy);
		}
	buf_done(&whole);
}

/* A board of 8 bytes, as SMBIOS 2.0 has it: maker, product, version and serial, no asset tag. */
static void short_smbios_is_scrubbed(void **state)
{
	static const char bytes[] = "\2\10\1\0\1\1\1\2Maker\0SERIAL77\0\0"
				    "\177\4\2\0\0";
	struct buf table = {0};

	(void)state;
	buf_add(&table, bytes, sizeof(bytes));
	assert_int_equal(scrub_smbios(&table), 0);
	assert_null(memmem(table.data, table.len, "SERIAL77", 8));
	assert_non_null(memmem(table.data, table.len, "Maker", 5));
	buf_done(&table);
}

static void smbios_is_scrubbed(void **state)
{
	static const char *const secrets[] = {"S123456789", "BOARDSERIAL", "MODSERIAL", "OEM-SECRET",
					      "\xab\xab"};
	struct buf table = made_table();
	struct host_firmware f = {0};
	size_t before = table.len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		assert_non_null(memmem(table.data, table.len, secrets[i], strlen(secrets[i])));
	assert_int_equal(scrub_smbios(&table), 0);
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		assert_null(memmem(table.data, table.len, secrets[i], strlen(secrets[i])));
	assert_true(table.len < before);
	assert_int_equal(parse_smbios_table(&table, &f), 0);
	assert_string_equal(f.product, "SYS-6029");
	assert_int_equal(f.memory.n, 4);
	host_firmware_done(&f);
	table.len /= 2;
	assert_int_equal(scrub_smbios(&table), -EBADMSG);
	buf_done(&table);
}

static void entry_points(void **state)
{
	uint8_t three[24] = "_SM3_", two[31] = "_SM_";
	struct buf data = {.data = (char *)three, .len = sizeof(three)};
	struct host_firmware f = {0};
	uint8_t sum = 0;

	(void)state;
	three[6] = 24, three[7] = 3, three[8] = 7;
	for (size_t i = 0; i < sizeof(three); i++)
		sum = (uint8_t)(sum + three[i]);
	assert_int_equal(parse_smbios_entry(&data, &f), -EBADMSG);
	three[5] = (uint8_t)-sum;
	assert_int_equal(parse_smbios_entry(&data, &f), 0);
	assert_int_equal(f.major * 10 + f.minor, 37);
	data = (struct buf){.data = (char *)two, .len = sizeof(two)};
	two[5] = 30, two[6] = 2, two[7] = 8;
	for (size_t i = sum = 0; i < sizeof(two); i++)
		sum = (uint8_t)(sum + two[i]);
	two[4] = (uint8_t)-sum;
	assert_int_equal(parse_smbios_entry(&data, &f), 0);
	assert_int_equal(f.major * 10 + f.minor, 28);
	data.len = 20;
	assert_int_equal(parse_smbios_entry(&data, &f), -EBADMSG);
}

/* ---- text ---- */

static int system_of(const char *text, struct host_system *s)
{
	return parse_host_system(span_of(text), s);
}

static void clouds_and_hypervisors(void **state)
{
	static const struct {
		const char *text, *hypervisor, *cloud, *instance;
	} rows[] = {
		{"cpuid KVMKVMKVM\nsys_vendor Amazon EC2\nproduct_name m5.large\n", "KVM", "Amazon EC2",
		 "m5.large"},
		/* On bare metal of a cloud there is no hypervisor. */
		{"sys_vendor Amazon EC2\nproduct_name m5.metal\n", "", "Amazon EC2", "m5.metal"},
		{"cpuid Microsoft Hv\nsys_vendor Microsoft Corporation\n"
		 "product_name Virtual Machine\nchassis_asset_tag 7783-7084-3265-9085-8269-3286-77\n",
		 "Hyper-V", "Microsoft Azure", ""},
		{"cpuid VMwareVMware\nsys_vendor VMware, Inc.\n", "VMware", "", ""},
		{"cpuid TCGTCGTCGTCG\nsys_vendor QEMU\n", "QEMU, without KVM", "", ""},
		{"sys_vendor QEMU\n", "QEMU", "", ""},
		{"xen xen\n", "Xen", "", ""},
		{"sys_vendor Dell Inc.\nproduct_name PowerEdge R740\n", "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct host_system s = {0};
		char text[512];

		snprintf(text, sizeof(text), "release 6.12\n%s", rows[i].text);
		assert_int_equal(system_of(text, &s), 0);
		assert_string_equal(s.hypervisor, rows[i].hypervisor);
		assert_string_equal(s.cloud, rows[i].cloud);
		assert_string_equal(s.instance, rows[i].instance);
		assert_int_equal(s.is_guest, rows[i].hypervisor[0] != '\0');
	}
}

static void unnamed_hypervisor(void **state)
{
	struct host_system s = {0};

	(void)state;
	assert_int_equal(system_of("release 6.12\ncpuid Unheard of\n", &s), 0);
	assert_true(s.is_guest);
	assert_string_equal(s.hypervisor, "");
	assert_int_equal(system_of("machine x86_64\n", &(struct host_system){0}), -EBADMSG);
	assert_int_equal(system_of("release\n", &(struct host_system){0}), -EBADMSG);
}

static void users_of_utmp(void **state)
{
	struct utmp u[3] = {{.ut_type = BOOT_TIME}, {.ut_type = USER_PROCESS}, {.ut_type = DEAD_PROCESS}};
	struct buf data = {.data = (char *)u, .len = sizeof(u)};
	struct host_facts f = {0};

	(void)state;
	/* Full to its end it is not terminated. */
	memset(u[1].ut_user, 'r', sizeof(u[1].ut_user));
	memcpy(u[1].ut_line, "pts/0", 6);
	memcpy(u[1].ut_host, "192.0.2.7", 10);
	u[1].ut_tv.tv_sec = 1700000000;
	assert_int_equal(parse_utmp(&data, &f.system), 0);
	assert_int_equal(f.system.users.n, 1);
	assert_int_equal(strlen(f.system.users.items[0].name), 32);
	assert_string_equal(f.system.users.items[0].from, "192.0.2.7");
	assert_int_equal(f.system.users.items[0].since, 1700000000);
	data.len--;
	assert_int_equal(parse_utmp(&data, &f.system), -EBADMSG);
	host_facts_done(&f);
}

/* Two sockets of two cores with two threads each, whose cores have the same numbers. */
static void places_of_cpus(void **state)
{
	static const char text[] = "possible 0-15\npresent 0-7\nonline 0-7\nsmt on\n"
				   "frequency intel_pstate performance 800000 4000000\n"
				   "cpu 0 0 0 0\ncache 1 Data 48 0,4\ncache 3 Unified 36864 0-1,4-5\n"
				   "cpu 1 0 0 1\ncache 1 Data 48 1,5\n"
				   "cpu 2 1 0 0\ncache 1 Data 48 2,6\ncache 3 Unified - 2-3,6-7\n"
				   "cpu 3 1 0 1\ncache 1 Data 48 3,7\n"
				   "cpu 4 0 0 0\ncpu 5 0 0 1\ncpu 6 1 0 0\ncpu 7 1 0 1\n";
	static const char *const bad[] = {"", "cpu 0 0 0\n", "cpu x 0 0 0\n", "cpu 0 99999 0 0\n",
					  "cache 1 Data 48K 0\ncpu 0 0 0 0\n", "huh\n",
					  "cpu 0 -2 0 0\n"};
	struct host_facts f = {0};
	struct host_cache_sum sums[HOST_CACHE_SUMS];
	struct host_cpu_counts n;

	(void)state;
	assert_int_equal(parse_host_cpus(span_of(text), &f.cpu), 0);
	n = host_cpu_count(&f.cpu);
	assert_int_equal(n.sockets, 2);
	assert_int_equal(n.cores, 4);
	assert_int_equal(n.threads, 8);
	assert_int_equal(host_cache_sums(&f.cpu, sums), 2);
	assert_int_equal(sums[0].instances, 4);
	assert_int_equal(sums[0].kib, 192);
	assert_int_equal(sums[1].instances, 2);
	assert_int_equal(f.cpu.max_khz, 4000000);
	assert_int_equal(host_cpu_list_count(f.cpu.possible), 16);
	host_facts_done(&f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct host_facts g = {0};

		assert_int_equal(parse_host_cpus(span_of(bad[i]), &g.cpu), -EBADMSG);
		host_facts_done(&g);
	}
}

/* arm64 in a guest: no package numbers. */
static void places_untold(void **state)
{
	struct host_facts f = {0};
	struct host_cpu_counts n;

	(void)state;
	assert_int_equal(parse_host_cpus(span_of("cpu 0 -1 - 0\ncpu 1 -1 - 1\n"), &f.cpu), 0);
	n = host_cpu_count(&f.cpu);
	assert_int_equal(n.sockets, 0);
	assert_int_equal(n.threads, 2);
	host_facts_done(&f);
	assert_int_equal(host_cpu_list_count("0-3,8,10-11"), 7);
	assert_int_equal(host_cpu_list_count("3-1"), 0);
	assert_int_equal(host_cpu_list_count("x"), 0);
}

static void nodes_and_distances(void **state)
{
	static const char *const bad[] = {"", "node 0 0-1 5\n", "node x 0 1 1 10\n",
					  "node 0 0 1 1 ten\n", "knot 0 0 1 1 10\n"};
	struct host_facts f = {0};

	(void)state;
	assert_int_equal(parse_host_nodes(span_of("node 0 0-1 1000 400 10 21\n"
						  "node 1 - 2000 900 21 10\n"),
					  &f.numa),
			 0);
	assert_int_equal(f.numa.nodes.n, 2);
	assert_string_equal(f.numa.nodes.items[0].cpus, "0-1");
	assert_string_equal(f.numa.nodes.items[1].cpus, "");
	assert_true(f.numa.nodes.items[1].cpus_known);
	assert_int_equal(f.numa.nodes.items[1].free_kib, 900);
	assert_int_equal(f.numa.nodes.items[1].distances.items[0], 21);
	host_facts_done(&f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct host_facts g = {0};

		assert_int_equal(parse_host_nodes(span_of(bad[i]), &g.numa), -EBADMSG);
		host_facts_done(&g);
	}
}

static void cards_on_the_bus(void **state)
{
	static const char *const bad[] = {"speed 8\n", "card 0000:00:03.0 0x020000 0x8086\n",
					  "card a 20000 0x8086 0x1572 0 8 8\n"};
	struct host_facts f = {0};

	(void)state;
	assert_int_equal(parse_host_cards(span_of("card 0000:3b:00.0 0x020000 0x8086 0x1572 1 4 8\n"
						  "speed 8.0 GT/s PCIe\nmax-speed 16.0 GT/s PCIe\n"
						  "card 0000:00:03.0 0x020000 0x1af4 0x1041 -1 255 255\n"),
					  &f.network),
			 0);
	assert_int_equal(f.network.cards.n, 2);
	assert_int_equal(f.network.cards.items[0].node, 1);
	assert_int_equal(f.network.cards.items[0].width, 4);
	assert_string_equal(f.network.cards.items[0].max_speed, "16.0 GT/s PCIe");
	assert_int_equal(f.network.cards.items[1].width, 0);
	host_facts_done(&f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct host_facts g = {0};

		assert_int_equal(parse_host_cards(span_of(bad[i]), &g.network), -EBADMSG);
		host_facts_done(&g);
	}
}

static void disks_and_their_controllers(void **state)
{
	static const char *const bad[] = {"model X\n", "disk sda\n", "disk sda 1 0 0 0\n",
					  "disk sda x 0 0 0 0\n", "disk sda 8 0 0 0 0\nhuh 1\n"};
	struct host_facts f = {0};

	(void)state;
	assert_int_equal(parse_host_disks(span_of("disk sda 2048 1 0 0 0\ncontroller megaraid_sas\n"
						  "place 0000:3b:00.0\nscsi megaraid_sas\n"
						  "vendor DELL\nmodel PERC H740P Mini\n"
						  "disk nvme0n1 4096 0 0 1 0\ncontroller nvme\n"
						  "disk sdb 8 0 1 0 0\ncontroller xhci_hcd\nscsi uas\n"
						  "disk dm-0 16 0 0 0 1\n"),
					  &f.disks),
			 0);
	assert_int_equal(f.disks.disks.n, 4);
	assert_int_equal(f.disks.disks.items[0].bytes, 1 << 20);
	assert_string_equal(f.disks.disks.items[0].model, "PERC H740P Mini");
	assert_string_equal(host_controller_kind(&f.disks.disks.items[0]), "RAID, MegaRAID");
	assert_string_equal(host_controller_kind(&f.disks.disks.items[1]), "NVMe");
	assert_true(f.disks.disks.items[1].read_only);
	assert_string_equal(host_controller_kind(&f.disks.disks.items[2]), "USB");
	assert_null(host_controller_kind(&f.disks.disks.items[3]));
	host_facts_done(&f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct host_facts g = {0};

		assert_int_equal(parse_host_disks(span_of(bad[i]), &g.disks), -EBADMSG);
		host_facts_done(&g);
	}
}

static void filesystems_that_answer_or_not(void **state)
{
	static const char *const bad[] = {"fs ext4 1 2 3 4 5 0 - /dev/sda\n",
					  "fs ext4 1 2 3 4 5 0 EWHAT /dev/sda /\n",
					  "fs ext4 1 2 3 4 5 7 - /dev/sda /\n", "df\n"};
	struct host_facts f = {0};
	char text[257];

	(void)state;
	assert_int_equal(parse_host_mounts(span_of("fs ext4 1000 400 300 50 10 0 - /dev/sda1 /\n"
						   "fs nfs4 0 0 0 0 0 0 ETIMEDOUT a:/b /mnt/with\\040one\n"),
					   &f.disks),
			 0);
	assert_int_equal(f.disks.filesystems.n, 2);
	assert_int_equal(f.disks.filesystems.items[0].available, 300);
	assert_int_equal(f.disks.filesystems.items[1].err, -ETIMEDOUT);
	host_mount_text(f.disks.filesystems.items[1].mount, text, sizeof(text));
	assert_string_equal(text, "/mnt/with one");
	host_mount_text("cut\\04", text, sizeof(text));
	assert_string_equal(text, "cut\\04");
	host_facts_done(&f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct host_facts g = {0};

		assert_int_equal(parse_host_mounts(span_of(bad[i]), &g.disks), -EBADMSG);
		host_facts_done(&g);
	}
}

static void first_paragraph_of_cpuinfo(void **state)
{
	struct host_cpu c = {0};

	(void)state;
	assert_int_equal(parse_cpuinfo(span_of("processor\t: 0\nvendor_id\t: AuthenticAMD\n"
					       "cpu family\t: 25\nmodel\t\t: 1\n"
					       "model name\t: AMD EPYC 7763\nstepping\t: 1\n\n"
					       "processor\t: 1\nmodel name\t: another\n"),
				       &c),
			 0);
	assert_string_equal(c.vendor, "AuthenticAMD");
	assert_string_equal(c.model, "AMD EPYC 7763");
	assert_int_equal(c.family, 25);
	assert_int_equal(parse_cpuinfo(span_of("nothing\n"), &c), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smbios_is_read),
		cmocka_unit_test(smbios_may_be_anything),
		cmocka_unit_test(smbios_is_scrubbed),
		cmocka_unit_test(short_smbios_is_scrubbed),
		cmocka_unit_test(entry_points),
		cmocka_unit_test(clouds_and_hypervisors),
		cmocka_unit_test(unnamed_hypervisor),
		cmocka_unit_test(users_of_utmp),
		cmocka_unit_test(places_of_cpus),
		cmocka_unit_test(places_untold),
		cmocka_unit_test(nodes_and_distances),
		cmocka_unit_test(cards_on_the_bus),
		cmocka_unit_test(disks_and_their_controllers),
		cmocka_unit_test(filesystems_that_answer_or_not),
		cmocka_unit_test(first_paragraph_of_cpuinfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
