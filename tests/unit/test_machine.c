// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine below the packets: kernel text of interrupts, softirqs, pressure, memory and the log,
 * through the real parsers, whole and damaged.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "collect/proctext.h"

/* kernel/irq/proc.c show_interrupts: 6.18 under Firecracker, and names as other drivers give them */
static const char interrupts[] =
	"           CPU0       CPU1       \n"
	" 26:          0         15  IO-APIC   4-edge      ttyS0\n"
	" 38:          0      59883 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0\n"
	" 39:      46519          0 PCI-MSIX-0000:00:03.0   2-edge      virtio2-output.0\n"
	" 41:       5906          1 IR-PCI-MSI 524288-edge      eth10-TxRx-0\n"
	" 42:          0          7   IO-APIC  16-fasteoi   uhci_hcd:usb3, eth1\n"
	"NMI:          0          0   Non-maskable interrupts\n"
	"ERR:          0\n";

static struct span text(const char *s)
{
	return (struct span){s, strlen(s)};
}

static void interrupts_are_read(void **state)
{
	struct snapshot s = {0};

	(void)state;
	assert_int_equal(parse_interrupts(text(interrupts), &s), 0);
	assert_int_equal(s.interrupts.n, 5);
	assert_string_equal(s.interrupts.items[1].name, "virtio2-input.0");
	assert_string_equal(s.interrupts.items[4].name, "uhci_hcd:usb3, eth1");
	assert_int_equal(interrupt_count(&s, 38, 1), 59883);
	assert_int_equal(interrupt_count(&s, 38, 0), 0);
	assert_int_equal(interrupt_count(&s, 41, 0), 5906);
	assert_int_equal(interrupt_count(&s, 99, 0), 0);
	snapshot_done(&s);
}

static void interrupts_have_devices(void **state)
{
	static const char queues[] = "device 2 eth1 0000:00:05.0 1 1 -1 -\n"
				     "device 3 ens3 virtio2 1 1 0 0-1\n"
				     "irq 3 39 0-1 0\n"
				     "irq 3 26 - -\n"
				     "rx 3 0 3 4096\ntx 3 0 -\n";
	struct snapshot s = {0};

	(void)state;
	assert_int_equal(parse_interrupts(text(interrupts), &s), 0);
	assert_int_equal(parse_queues(text(queues), &s), 0);
	assert_int_equal(interrupt_ifindex(&s, &s.interrupts.items[1]), 3); /* the bus's name */
	assert_int_equal(interrupt_ifindex(&s, &s.interrupts.items[3]), 0); /* eth10 is not eth1 */
	assert_int_equal(interrupt_ifindex(&s, &s.interrupts.items[4]), 2);
	assert_int_equal(interrupt_ifindex(&s, &s.interrupts.items[0]), 3); /* by its number */
	assert_string_equal(snapshot_queues(&s, 3)->local_cpus, "0-1");
	assert_string_equal(snapshot_queues(&s, 2)->local_cpus, "");
	assert_int_equal(s.queues.items[0].flows, 4096);
	assert_true(s.queues.items[0].known);
	assert_false(s.queues.items[1].known);
	snapshot_done(&s);
}

/* fs/proc/softirqs.c show_softirqs, 6.18 */
static void softirqs_are_read(void **state)
{
	struct snapshot s = {0};
	const struct cpu *cpu;

	(void)state;
	assert_int_equal(parse_softirqs(text("                    CPU0       CPU1       \n"
					     "          HI:          0          0\n"
					     "      NET_TX:      90836     111543\n"
					     "      NET_RX:   13952679   45419843\n"
					     "         RCU:    1668846    1767719\n"),
					&s),
			 0);
	cpu = &s.cpus.items[1];
	assert_int_equal(cpu->id, 1);
	assert_int_equal(cpu->softirqs[C_SOFTIRQ_NET_RX - SOFTIRQ_FIRST], 45419843);
	assert_int_equal(cpu->softirqs[C_SOFTIRQ_NET_TX - SOFTIRQ_FIRST], 111543);
	snapshot_done(&s);
}

/* kernel/sched/psi.c psi_show, 6.18 */
static void pressure_is_read(void **state)
{
	struct pressure p = {0};

	(void)state;
	assert_int_equal(
		parse_pressure(text("some avg10=1.07 avg60=0.87 avg300=0.50 total=27515582\n"
				    "full avg10=100.00 avg60=0.78 avg300=0.41 total=14575347\n"),
			       &p),
		0);
	assert_int_equal(p.some_avg10, 107);
	assert_int_equal(p.full_avg10, 10000);
	assert_int_equal(p.some_us, 27515582);
	/* Before 5.13 the CPU has no second line. */
	assert_int_equal(parse_pressure(text("some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"), &p),
			 0);
	assert_int_equal(p.full_us, 0);
}

/* fs/proc/meminfo.c, mm/vmstat.c and fs/proc/loadavg.c, 6.18 */
static void memory_and_load_are_read(void **state)
{
	struct snapshot s = {0};

	(void)state;
	assert_int_equal(parse_meminfo(text("MemTotal:       24684032 kB\n"
					    "MemFree:        22928128 kB\n"
					    "MemAvailable:   24209408 kB\n"
					    "Active(anon):       1568 kB\n"
					    "HugePages_Total:       0\n"),
				       &s),
			 0);
	assert_int_equal(s.counter[C_MEM_AVAILABLE], 24209408);
	assert_int_equal(parse_named_lines(text("nr_free_pages 1910706\npswpin 12\noom_kill 1\n"),
					   SRC_MEMORY, &s),
			 0);
	assert_int_equal(s.counter[C_VM_PSWPIN], 12);
	assert_true(s.counter_present[C_VM_OOM_KILL]);
	assert_false(s.counter_present[C_VM_PSWPOUT]);
	assert_int_equal(parse_loadavg(text("0.85 11.93 1.46 1/94 29189\n"), &s), 0);
	assert_int_equal(s.counter[C_LOAD_1], 85);
	assert_int_equal(s.counter[C_LOAD_5], 1193);
	assert_int_equal(parse_cpu_times(text("cpu  1 2 3 4 5 6 7 8 9 10\n"
					      "cpu0 1 2 3 4 5 6 7 8 9 10\n"
					      "procs_running 3\nprocs_blocked 1\n"),
					 &s),
			 0);
	assert_int_equal(s.counter[C_PROCS_BLOCKED], 1);
	assert_int_equal(s.cpus.items[0].times.steal, 8);
	snapshot_done(&s);
}

/* Lines of 6.1, 6.12 and 6.18: net/netfilter/nf_conntrack_core.c early_drop's caller, net/ipv4/
 * tcp_input.c tcp_syn_flood_action, net/core/neighbour.c neigh_alloc, mm/oom_kill.c. */
static void log_lines_are_kept(void **state)
{
	static const char log[] =
		"4,10,1000,-;nf_conntrack: nf_conntrack: table full, dropping packet\n"
		"4,11,1001,-;nf_conntrack: nf_conntrack: table full in netns 4026532249, dropping packet\n"
		"6,12,1002,-;TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:80. Sending cookies.\n"
		"6,13,1003,-;neighbour: arp_cache: neighbor table overflow!\n"
		"3,14,1004,-,caller=T1;TCP: out of memory -- consider tuning tcp_mem\n"
		"3,15,1005,-;Memory cgroup out of memory: Killed process 812 (java)\n"
		"6,16,1006,-;e1000: eth0 NIC Link is Down\n"
		"12,17,1007,-;nf_conntrack: table full: says a program, not the kernel\n"
		"6,18,1008,-;a line with \\x1b[31m bytes\n";
	struct snapshot s = {0};
	const struct kernel_log_line *last;

	(void)state;
	assert_int_equal(parse_kernel_log(text(log), &s), 0);
	assert_int_equal(s.kernel_log.n, 7);
	assert_int_equal(kernel_log_count(&s, KERNEL_LOG_CONNTRACK_FULL, 0), 2);
	assert_int_equal(kernel_log_count(&s, KERNEL_LOG_CONNTRACK_FULL, 10), 1);
	assert_int_equal(kernel_log_count(&s, KERNEL_LOG_CONNTRACK_FULL, kernel_log_end(&s)), 0);
	assert_int_equal(kernel_log_count(&s, KERNEL_LOG_TCP_MEMORY, 0), 1);
	assert_int_equal(kernel_log_count(&s, KERNEL_LOG_OOM, 0), 1);
	assert_int_equal(kernel_log_count(&s, KERNEL_LOG_NEIGH_OVERFLOW, 0), 1);
	assert_int_equal(kernel_log_count(&s, KERNEL_LOG_SYN_FLOOD, 0), 1);
	last = kernel_log_last(&s, KERNEL_LOG_CONNTRACK_FULL, 0);
	assert_int_equal(last->us, 1001);
	assert_null(kernel_log_last(&s, KERNEL_LOG_LINK_UP, 0));
	assert_int_equal(kernel_log_end(&s), 16);
	snapshot_done(&s);
}

static int read_softirqs_of(struct span t)
{
	struct snapshot s = {0};
	int r = parse_softirqs(t, &s);

	snapshot_done(&s);
	return r;
}

static int read_interrupts_of(struct span t)
{
	struct snapshot s = {0};
	int r = parse_interrupts(t, &s);

	snapshot_done(&s);
	return r;
}

static int read_pressure_of(struct span t)
{
	struct pressure p;

	return parse_pressure(t, &p);
}

static int read_meminfo_of(struct span t)
{
	struct snapshot s = {0};
	int r = parse_meminfo(t, &s);

	snapshot_done(&s);
	return r;
}

static int read_load_of(struct span t)
{
	struct snapshot s = {0};

	return parse_loadavg(t, &s);
}

static int read_log_of(struct span t)
{
	struct snapshot s = {0};
	int r = parse_kernel_log(t, &s);

	snapshot_done(&s);
	return r;
}

static int read_queues_of(struct span t)
{
	struct snapshot s = {0};
	int r = parse_queues(t, &s);

	snapshot_done(&s);
	return r;
}

static void malformed_text_is_refused(void **state)
{
	static const struct {
		int (*read)(struct span t);
		const char *text;
	} cases[] = {
		{read_softirqs_of, ""},
		{read_softirqs_of, "CPU0 CPUx\n"},
		{read_softirqs_of, "CPU0 CPU1\n NET_RX: 1\n"},
		{read_softirqs_of, "CPU0\n NET_RX: 99999999999\n"},
		{read_softirqs_of, "CPU0\n:\n NET_RX 1\n"},
		{read_interrupts_of, "CPU1 CPU0\n"},
		{read_interrupts_of, "CPU0 CPU1\n 1: 7\n"},
		{read_interrupts_of, "CPU0\n 2: 7 x\n 1: 7 x\n"},
		{read_interrupts_of, "CPU99999\n"},
		{read_pressure_of, ""},
		{read_pressure_of, "some avg10=1.0 avg60=0.87 avg300=0.50 total=1\n"},
		{read_pressure_of, "some avg10=100.01 avg60=0.87 avg300=0.50 total=1\n"},
		{read_pressure_of, "some avg10=1.00 avg60=0.87 avg300=0.50 total=-1\n"},
		{read_pressure_of, "full avg10=1.00 avg60=0.87 avg300=0.50 total=1\n"},
		{read_meminfo_of, ""},
		{read_meminfo_of, "MemTotal: lots kB\n"},
		{read_meminfo_of, "MemTotal 12 kB\n"},
		{read_load_of, "0.85 1.93\n"},
		{read_load_of, "0.8 1.93 1.46\n"},
		{read_log_of, "4,10;text\n"},
		{read_log_of, "4,x,1,-;text\n"},
		{read_log_of, "no semicolon\n"},
		{read_queues_of, "device 4 a-name-that-is-too-long - 1 1 -1 -\n"},
		{read_queues_of, "device 4 eth0 - 1 1\n"},
		{read_queues_of, "device 4 eth0 - 1 1 -7 -\n"},
		{read_queues_of, "rx 4 0 3\n"},
		{read_queues_of, "ring 4\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (cases[i].read(text(cases[i].text)) != -EBADMSG)
			fail_msg("case %zu was taken: %s", i, cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interrupts_are_read),
		cmocka_unit_test(interrupts_have_devices),
		cmocka_unit_test(softirqs_are_read),
		cmocka_unit_test(pressure_is_read),
		cmocka_unit_test(memory_and_load_are_read),
		cmocka_unit_test(log_lines_are_kept),
		cmocka_unit_test(malformed_text_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
