// SPDX-License-Identifier: GPL-2.0-or-later
/* replay FOLDER: each file in it is given to the fuzzer once. */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

static int replay(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t n;

	if (!file) {
		perror(path);
		return 1;
	}
	n = fread(data, 1, sizeof(data), file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, n);
	return 0;
}

int main(int argc, char **argv)
{
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	const struct dirent *entry;
	char path[4096];
	int files = 0, failed = 0;

	if (!folder) {
		fprintf(stderr, "usage: replay FOLDER\n");
		return 2;
	}
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
			failed += replay(path);
			files++;
		}
	closedir(folder);
	printf("%d files\n", files);
	return failed || !files;
}
