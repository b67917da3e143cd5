// SPDX-License-Identifier: GPL-2.0-or-later
/* Firmware, board and slots of memory, of the picture of a host. */
#include <stdio.h>

#include "render/fmt.h"
#include "render/host.h"
#include "render/json_set.h"

#define SHORTFALL 16 /* more of it than one part in so many is missing: worth a word */

/* Those that are there, with a blank between. */
static void join(struct buf *to, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (texts[i][0])
			buf_printf(to, "%s%s", to->len ? " " : "", texts[i]);
}

static void joined_row(struct out *out, const char *label, const char *a, const char *b,
		       const char *c)
{
	const char *const texts[] = {a, b, c};
	cleanup(buf_done) struct buf line = {0};

	join(&line, texts, ARRAY_SIZE(texts));
	if (line.len)
		host_row(out, 1, label, "%s", line.data);
}

static void processor_text(const struct smbios_processor *p, struct out *out)
{
	cleanup(buf_done) struct buf line = {0};

	buf_puts(&line, p->version[0] ? p->version : "processor");
	if (p->cores && p->cores_enabled)
		buf_printf(&line, ", %u of %u cores enabled", p->cores_enabled, p->cores);
	else if (p->cores)
		buf_printf(&line, ", %u cores", p->cores);
	if (p->threads)
		buf_printf(&line, ", %u threads", p->threads);
	if (p->max_mhz)
		buf_printf(&line, ", up to %u MHz", p->max_mhz);
	host_row(out, 1, p->socket, "%s", line.data);
}

static void processors_text(const struct host_firmware *f, struct out *out)
{
	vec_each(p, &f->processors) {
		if (!p->populated) {
			host_row(out, 1, p->socket, "empty socket");
			continue;
		}
		processor_text(p, out);
	}
}

static void memory_device_text(const struct smbios_memory *m, struct out *out)
{
	const char *type = smbios_memory_type_name(m->type);
	cleanup(buf_done) struct buf line = {0};

	if (!m->size_known)
		buf_puts(&line, "of unknown size");
	else if (!m->bytes)
		buf_puts(&line, "empty");
	else
		buf_puts(&line, host_bytes(m->bytes).s);
	if (m->bytes && type)
		buf_printf(&line, " %s", type);
	if (m->bytes && m->mts_now && m->mts && m->mts_now < m->mts)
		buf_printf(&line, ", %u of %u MT/s", m->mts_now, m->mts);
	else if (m->bytes && (m->mts_now || m->mts))
		buf_printf(&line, ", %u MT/s", m->mts_now ? m->mts_now : m->mts);
	if (m->bytes && m->ranks)
		buf_printf(&line, ", %u rank%s", m->ranks, m->ranks == 1 ? "" : "s");
	if (m->bytes && (m->maker[0] || m->part[0]))
		buf_printf(&line, ", %s%s%s", m->maker, m->maker[0] ? " " : "", m->part);
	host_row(out, 2, m->locator[0] ? m->locator : "slot", "%s", line.data);
}

/* The kernel's total lacks what it reserved for itself before it began to count. */
static void memory_text(const struct host_view *v, struct out *out)
{
	const struct host_firmware *f = &v->facts->firmware;
	uint64_t installed = host_firmware_memory(f), seen = v->o->b.counter[C_MEM_TOTAL] << 10;
	bool known = v->o->b.counter_present[C_MEM_TOTAL];

	vec_each(a, &f->arrays) {
		const char *ecc = smbios_ecc_name(a->ecc);

		host_row(out, 1, "memory", "%u slots, %s at most%s%s", a->slots,
			 a->max_bytes ? host_bytes(a->max_bytes).s : "unknown", ecc ? ", error correction: " : "",
			 ecc ? ecc : "");
	}
	vec_each(m, &f->memory)
		memory_device_text(m, out);
	if (!installed || !known)
		return;
	host_row(out, 1, "in all", "%s in slots, %s seen by the kernel%s", host_bytes(installed).s,
		 host_bytes(seen).s,
		 seen < installed && installed - seen > installed / SHORTFALL
			 ? ": look for memory that is disabled, failed or reserved (crashkernel, mem=)"
			 : "");
}

void host_firmware_text(const struct host_view *v, struct out *out)
{
	const struct host_firmware *f = &v->facts->firmware;

	joined_row(out, "machine", f->system_maker, f->product, f->product_version);
	joined_row(out, "board", f->board_maker, f->board, f->board_version);
	joined_row(out, "firmware", f->vendor, f->version, f->date);
	if (f->uefi_known)
		host_row(out, 1, "booted by", "%s", f->uefi ? "UEFI" : "BIOS");
	if (f->tables && f->major)
		host_row(out, 1, "SMBIOS", "%u.%u", f->major, f->minor);
	processors_text(f, out);
	memory_text(v, out);
}

static json_t *processors_json(const struct host_firmware *f)
{
	json_t *list = json_array();

	vec_each(p, &f->processors) {
		json_t *j = json_object();

		set(j, "socket", filled_or_null(p->socket));
		set(j, "populated", json_boolean(p->populated));
		set(j, "manufacturer", filled_or_null(p->maker));
		set(j, "version", filled_or_null(p->version));
		set(j, "max_mhz", number_if(p->max_mhz, p->max_mhz));
		set(j, "mhz", number_if(p->mhz, p->mhz));
		set(j, "cores", number_if(p->cores, p->cores));
		set(j, "cores_enabled", number_if(p->cores_enabled, p->cores_enabled));
		set(j, "threads", number_if(p->threads, p->threads));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *memory_json(const struct host_firmware *f)
{
	json_t *list = json_array();

	vec_each(m, &f->memory) {
		json_t *j = json_object();

		set(j, "slot", filled_or_null(m->locator));
		set(j, "bank", filled_or_null(m->bank));
		set(j, "bytes", number_if(m->size_known, m->bytes));
		set_text(j, "type", smbios_memory_type_name(m->type));
		set(j, "mts", number_if(m->mts, m->mts));
		set(j, "configured_mts", number_if(m->mts_now, m->mts_now));
		set(j, "ranks", number_if(m->ranks, m->ranks));
		set(j, "manufacturer", filled_or_null(m->maker));
		set(j, "part", filled_or_null(m->part));
		json_array_append_new(list, j);
	}
	return list;
}

json_t *host_firmware_json(const struct host_view *v)
{
	const struct host_firmware *f = &v->facts->firmware;
	bool known = v->o->b.counter_present[C_MEM_TOTAL];
	json_t *j = json_object(), *arrays = json_array();

	set(j, "bios_vendor", filled_or_null(f->vendor));
	set(j, "bios_version", filled_or_null(f->version));
	set(j, "bios_date", filled_or_null(f->date));
	set(j, "uefi", f->uefi_known ? json_boolean(f->uefi) : json_null());
	set(j, "smbios", f->tables && f->major ? json_sprintf("%u.%u", f->major, f->minor) : json_null());
	set(j, "system_manufacturer", filled_or_null(f->system_maker));
	set(j, "product", filled_or_null(f->product));
	set(j, "product_version", filled_or_null(f->product_version));
	set(j, "serial", filled_or_null(f->serial));
	set(j, "board_manufacturer", filled_or_null(f->board_maker));
	set(j, "board", filled_or_null(f->board));
	set(j, "board_version", filled_or_null(f->board_version));
	set(j, "processors", f->tables ? processors_json(f) : json_null());
	vec_each(a, &f->arrays)
		json_array_append_new(arrays, json_pack("{s:I, s:o, s:s?}", "slots",
							(json_int_t)a->slots, "max_bytes",
							number_if(a->max_bytes, a->max_bytes),
							"error_correction", smbios_ecc_name(a->ecc)));
	set(j, "memory_arrays", arrays);
	set(j, "memory_devices", f->tables ? memory_json(f) : json_null());
	set(j, "installed_bytes", number_if(host_firmware_memory(f), host_firmware_memory(f)));
	set(j, "kernel_bytes", number_if(known, v->o->b.counter[C_MEM_TOTAL] << 10));
	return j;
}
