// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/drops.h"

void drops_done(struct drops *d)
{
	vec_done(&d->rows);
	vec_done(&d->flows);
	vec_done(&d->rules);
	vec_done(&d->events_missed);
	*d = (struct drops){0};
}

const struct rung_row rung_rows[] = {
#define R(name_, how_, needs_, hides_)                                                             \
	{.name = #name_, .how = how_, .needs = needs_, .hides = hides_},
#include "model/rungs.def"
#undef R
};
const size_t rung_rows_n = ARRAY_SIZE(rung_rows);

const struct rung_row *rung_row(const char *name)
{
	for (size_t i = 0; i < rung_rows_n; i++)
		if (strcmp(rung_rows[i].name, name) == 0)
			return &rung_rows[i];
	return NULL;
}

const char *const xdp_reasons[] = {"NOT_SPECIFIED", "XDP", NULL};
const char *const xdp_symbols[] = {"veth_xdp_rcv_skb", "do_xdp_generic",
				   "netif_receive_generic_xdp", "bpf_prog_run_generic_xdp", NULL};

static bool is_among(const char *const *list, const char *name)
{
	while (*list && strcmp(*list, name) != 0)
		list++;
	return *list;
}

bool is_xdp_drop(const struct drop *d)
{
	return is_among(xdp_reasons, d->reason) && is_among(xdp_symbols, d->symbol);
}
