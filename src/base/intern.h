/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One copy of a text, kept until the program ends: for names that come back in each of a thousand
 * namespaces. The same text gives the same address. Any thread may ask.
 */
#ifndef WHYDROP_INTERN_H
#define WHYDROP_INTERN_H

#include "base/base.h"

const char *intern(const char *text, size_t n);

#endif
