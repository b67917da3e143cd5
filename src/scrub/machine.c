// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What tells of the machine: interrupts, the queues of devices, the kernel's log. The names of
 * drivers, controllers and slots go; numbers stay.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "model/machine.h"
#include "scrub/map.h"

static void replace(struct buf *data, struct buf *by)
{
	buf_done(data);
	*data = *by;
}

static struct span text_of(const struct buf *b)
{
	return (struct span){.p = b->data, .n = b->len};
}

static bool is_number(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isdigit((unsigned char)s.p[i]))
			return false;
	return s.n > 0;
}

/* "virtio2" is the same on every machine of its kind. */
static bool is_virtio(struct span s)
{
	return s.n > 6 && memcmp(s.p, "virtio", 6) == 0 &&
	       is_number((struct span){s.p + 6, s.n - 6});
}

/*
 * Of who handles an interrupt the first part remains, "eth0" of "eth0-TxRx-3": as what that device
 * became. If it is none, it becomes something that no device is called.
 */
static void put_handler(struct scrubber *s, struct span rest, struct buf *out)
{
	struct span field, last = {0};

	while (next_field(&rest, &field))
		last = field;
	for (size_t i = 0; i < last.n; i++)
		if (strchr("-@:,.", last.p[i]))
			last.n = i;
	if (!last.n)
		return;
	buf_puts(out, " ");
	if (is_virtio(last))
		buf_add(out, last.p, last.n);
	else
		buf_puts(out, scrub_device(s, last.p, MIN(last.n, (size_t)15), false));
}

int scrub_interrupts(struct scrubber *s, struct buf *data)
{
	struct span text = text_of(data), line, name, field;
	struct buf out = {0};
	size_t columns = 0;

	if (!next_line(&text, &line))
		return -EBADMSG;
	while (next_field(&line, &field)) {
		if (field.n < 4 || memcmp(field.p, "CPU", 3) != 0 ||
		    !is_number((struct span){field.p + 3, field.n - 3}))
			break;
		buf_printf(&out, " %.*s", (int)MIN(field.n, (size_t)16), field.p);
		columns++;
	}
	buf_puts(&out, "\n");
	while (next_line(&text, &line)) {
		if (!next_field(&line, &name) || !is_number((struct span){name.p, name.n - 1}))
			continue;
		buf_add(&out, name.p, name.n);
		for (size_t i = 0; i < columns && next_field(&line, &field); i++)
			if (is_number(field))
				buf_printf(&out, " %.*s", (int)MIN(field.n, (size_t)24), field.p);
		put_handler(s, line, &out);
		buf_puts(&out, "\n");
	}
	replace(data, &out);
	return columns ? 0 : -EBADMSG;
}

static bool is_plain_word(struct span word)
{
	for (size_t i = 0; i < word.n; i++)
		if (!isxdigit((unsigned char)word.p[i]) && !strchr(",-", word.p[i]))
			return false;
	return true;
}

/* "device IFINDEX NAME PARENT ..." and lines that are numbers and masks behind their first word */
static bool scrub_queue_line(struct scrubber *s, struct span line, struct buf *out)
{
	static const char *const kinds[] = {"device", "rx", "tx", "irq"};
	struct span word;
	bool known = false, device;

	if (!next_field(&line, &word))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		known |= span_is(word, kinds[i]);
	if (!known)
		return false;
	device = span_is(word, "device");
	buf_add(out, word.p, word.n);
	for (size_t i = 1; next_field(&line, &word); i++) {
		buf_puts(out, " ");
		if (device && i == 2)
			buf_puts(out, scrub_device(s, word.p, MIN(word.n, (size_t)15), false));
		else if (device && i == 3 && !is_virtio(word) && !span_is(word, "-"))
			buf_puts(out, "hw");
		else if ((device && i == 3) || is_plain_word(word))
			buf_add(out, word.p, word.n);
		else
			return false;
	}
	buf_puts(out, "\n");
	return true;
}

int scrub_queues(struct scrubber *s, struct buf *data)
{
	struct span text = text_of(data), line;
	struct buf out = {0};

	while (next_line(&text, &line)) {
		if (!scrub_queue_line(s, line, &out)) {
			buf_done(&out);
			return -EBADMSG;
		}
	}
	replace(data, &out);
	return 0;
}

/* The numbers before the text, and of the text no more than what it was kept for. */
/* "thread ..." is numbers alone; the last word of "task ..." is a program's name. */
int scrub_cpu_tasks(struct scrubber *s, struct buf *data)
{
	struct span text = text_of(data), line, word;
	struct buf out = {0};
	bool ok = true;

	while (ok && next_line(&text, &line)) {
		bool task;
		size_t i = 1;

		ok = next_field(&line, &word) && (span_is(word, "thread") || span_is(word, "task") ||
						   span_is(word, "flooded"));
		task = ok && span_is(word, "task");
		if (ok)
			buf_add(&out, word.p, word.n);
		for (; ok && next_field(&line, &word); i++) {
			buf_puts(&out, " ");
			if (task && i == 8)
				buf_puts(&out, scrub_name(s, NAME_PROGRAM, word.p, word.n));
			else if (is_number(word) || (task && i == 3 && word.n == 1))
				buf_add(&out, word.p, word.n);
			else
				ok = false;
		}
		buf_puts(&out, "\n");
	}
	replace(data, &out);
	return ok ? 0 : -EBADMSG;
}

int scrub_kernel_log(struct scrubber *s, struct buf *data)
{
	struct span text = text_of(data), line, head;
	struct buf out = {0};

	while (next_line(&text, &line)) {
		enum kernel_log_id id;
		size_t n;

		if (!next_split(&line, ';', &head) || !line.p)
			continue;
		for (n = 0; n < head.n && (isdigit((unsigned char)head.p[n]) || head.p[n] == ',');)
			n++;
		id = kernel_log_match(line.p, line.n);
		if (id < KERNEL_LOG_ROWS)
			buf_printf(&out, "%.*s;%s\n", (int)MIN(n, (size_t)80), head.p,
				   kernel_log_rows[id].pattern);
	}
	replace(data, &out);
	return 0;
}
