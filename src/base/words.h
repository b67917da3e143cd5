/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How alike two words are, for "did you mean". */
#ifndef WHYDROP_WORDS_H
#define WHYDROP_WORDS_H

#include "base/base.h"

/* Letters to change, add or leave out (upper and lower case are one); UINT_MAX for long words. */
unsigned int word_distance(const char *a, const char *b);
/* Close enough to be a slip: a third of the letters at most. */
bool word_near(const char *typed, const char *word);

#endif
