/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzzer is one function that takes any bytes. libFuzzer calls it (build with -Dfuzz=true by clang),
 * or replay.c with each file of a corpus.
 */
#ifndef WHYDROP_FUZZ_H
#define WHYDROP_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What must hold for any input. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
