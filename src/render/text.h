/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the first screen; render_text() in text.c puts them in order. */
#ifndef WHYDROP_TEXT_H
#define WHYDROP_TEXT_H

#include "render/out.h"

struct text {
	struct out out;
	const struct diagnosis *d;
	const struct report *r;
};

/* Is there something to be said in full about it on the first screen? */
static inline bool finding_matters(const struct finding *f)
{
	return f->severity >= SEVERITY_WARNING;
}

/* "this namespace", "namespace web" */
void netns_words(const struct observation *o, struct buf *ret);

/* Where and how long. */
void text_header(struct text *t);
void text_picture(struct text *t, const struct observation *o); /* text_picture.c */
void text_finding(struct text *t, unsigned int number,
		  const struct finding *f); /* text_finding.c */
void evidence_words(const struct evidence *e, struct buf *ret);
void text_drops(struct text *t); /* text_rest.c: what no cause explains, other namespaces */
void text_ignored(struct text *t);
void text_others(struct text *t);
void text_not_examined(struct text *t);
void text_all(struct text *t); /* every cause in stage order, and the benign drops */

#endif
