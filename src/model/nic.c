// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/nic.h"

#include <fnmatch.h>

#include "model/snapshot.h"

const struct nic_group_row nic_group_rows[NIC_GROUP_N] = {
#define G(id_, group_, attribute_, name_, class_) \
	[NG_##id_] = {.name = name_, .class = NIC_##class_},
#include "model/nic_groups.def"
#undef G
};

const char *const nic_feature_names[NIC_FEATURE_N] = {
#define F(id_, name_) [NF_##id_] = name_,
#include "model/nic_features.def"
#undef F
};

const struct nic_qstat_row nic_qstat_rows[NIC_QSTAT_N] = {
#define Q(id_, attribute_, name_, class_) [NQ_##id_] = {.name = name_, .class = NIC_##class_},
#include "model/nic_qstats.def"
#undef Q
};

static const struct nic_stat_row stat_rows[] = {
#define N(driver_, pattern_, class_, scope_, within_)                                              \
	{.driver = driver_,                                                                        \
	 .pattern = pattern_,                                                                      \
	 .class = NIC_##class_,                                                                    \
	 .scope = NIC_##scope_,                                                                    \
	 .within = within_},
#include "model/nic_stats.def"
#undef N
};

const char *nic_class_name(enum nic_class c)
{
	static const char *const names[NIC_CLASS_N] = {
		[NIC_PLAIN] = "plain",
		[NIC_HARMLESS] = "harmless",
		[NIC_SUM] = "sum",
		[NIC_RING] = "ring",
		[NIC_PORT_BUFFER] = "port-buffer",
		[NIC_BUS] = "bus",
		[NIC_WIRE] = "wire",
		[NIC_SIGNAL] = "signal",
		[NIC_LENGTH] = "length",
		[NIC_CSUM] = "csum",
		[NIC_ALLOC] = "alloc",
		[NIC_REFILL] = "refill",
		[NIC_FAULT] = "fault",
		[NIC_POLICY] = "policy",
		[NIC_TX] = "tx",
		[NIC_COLLISION] = "collision",
		[NIC_DOWN] = "link-down",
		[NIC_STOP] = "stop",
		[NIC_TIMEOUT] = "timeout",
		[NIC_RESET] = "reset",
		[NIC_PAUSE] = "pause",
	};

	return names[c];
}

static bool is_one_of(const char *drivers, const char *driver)
{
	size_t n = strlen(driver);

	while (*drivers) {
		size_t length = strcspn(drivers, "|");

		if (length == n && memcmp(drivers, driver, n) == 0)
			return true;
		drivers += length + (drivers[length] == '|');
	}
	return false;
}

const struct nic_stat_row *nic_stat_row(const char *driver, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(stat_rows); i++)
		if (is_one_of(stat_rows[i].driver, driver) &&
		    fnmatch(stat_rows[i].pattern, name, 0) == 0)
			return &stat_rows[i];
	return NULL;
}

const struct nic_stat_row *nic_stat_next(const struct nic_stat_row *last, const char *name)
{
	for (const struct nic_stat_row *row = last ? last + 1 : stat_rows;
	     row < stat_rows + ARRAY_SIZE(stat_rows); row++)
		if (fnmatch(row->pattern, name, 0) == 0)
			return row;
	return NULL;
}

static const struct nic_silent_row silent_rows[] = {
#define S(driver_, unless_, why_, unlock_)                                                         \
	{.driver = driver_, .unless = unless_, .why = why_, .unlock = unlock_},
#include "model/nic_silent.def"
#undef S
};

static bool tells_of_ring(const struct snapshot *s, const struct nic *nic, const char *unless)
{
	vec_each (q, &s->nic_queues)
		if (q->ifindex == nic->ifindex && !q->tx &&
		    (q->present[NQ_RX_HW_DROPS] || q->present[NQ_RX_HW_DROP_OVERRUNS]))
			return true;
	vec_each (stat, &nic->stats) {
		const struct nic_stat_row *row;

		if (unless && strcmp(stat->name, unless) == 0 && stat->value)
			return true;
		row = unless ? NULL : nic_stat_row(nic->driver, stat->name);
		if (row && (row->class == NIC_RING || row->class == NIC_PORT_BUFFER))
			return true;
	}
	return false;
}

const struct nic_silent_row *nic_silent(const struct snapshot *s, const struct nic *nic)
{
	for (size_t i = 0; i < ARRAY_SIZE(silent_rows); i++)
		if (strcmp(silent_rows[i].driver, nic->driver) == 0)
			return tells_of_ring(s, nic, silent_rows[i].unless) ? NULL
									    : &silent_rows[i];
	return NULL;
}

void nic_done(struct nic *n)
{
	vec_done(&n->stats);
}
