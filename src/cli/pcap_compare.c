// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/pcap_compare.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "render/capture_compare.h"
#include "render/json_parts.h"

static void print(const struct compare_view *v, bool json, enum color_mode color)
{
	struct text_style style = text_style_of(STDOUT_FILENO, color);
	struct buf text = {0};

	if (json) {
		json_t *tree = render_compare_json(v);

		json_dumpf(tree, stdout, RENDER_JSON_FLAGS);
		putchar('\n');
		json_decref(tree);
		return;
	}
	render_compare_text(v, &style, &text);
	fwrite(text.data, 1, text.len, stdout);
	buf_done(&text);
}

/* Nothing of the one is in the other: to call all of it lost would be wrong. */
static bool unrelated(const struct hop *h)
{
	if (h->way[0].matched + h->way[1].matched)
		return false;
	complain("pcap: %s and %s have no packet in common: are they of the same traffic and time?",
		 h->side[0].name, h->side[1].name);
	return true;
}

static int judge(const struct hop *hops, size_t n, bool json, enum color_mode color)
{
	struct diagnosis d;
	struct compare_view v = {.hops = hops, .n = n, .d = &d, .version = WHYDROP_VERSION};
	int status;

	compare_diagnose(hops, n, &d);
	print(&v, json, color);
	status = d.verdict == HEALTHY ? 0 : 1;
	diagnosis_done(&d);
	return status;
}

int pcap_compare(char *const *paths, size_t n, bool json, enum color_mode color)
{
	struct hop hops[COMPARED_MAX - 1];
	struct buf message = {0};
	size_t done = 0;
	int status = 0;

	for (; done + 1 < n && !status; done++) {
		if (hop_compare(paths[done], paths[done + 1], &hops[done], &message) < 0) {
			complain("pcap: %s", message.data);
			status = EXIT_USAGE;
			break;
		}
		if (unrelated(&hops[done]))
			status = EXIT_USAGE;
	}
	if (!status)
		status = judge(hops, done, json, color);
	while (done--)
		hop_done(&hops[done]);
	buf_done(&message);
	return status;
}
