// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-grant.c - write grants as they are, and find out which ones are taken
 *
 * klp-grant FILE <TEXT
 *	Writes TEXT to FILE at once, which no shell promises to do. Prints
 *	"taken", or the name of the error.
 * klp-grant FILE SEED ROUNDS
 *	Writes ROUNDS random texts, many of them nearly grants and some of them
 *	grants. Each must be taken or refused as the rules say, which are
 *	written down here a second time. Exits with 1 at the first that is not.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_TEXT	8192
#define MAX_NAME_LEN	55	/* MODULE_NAME_LEN with the NUL is 56 */

static int put(const char *file, const char *text, size_t len)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, len) != (ssize_t)len)
		err = errno;
	close(fd);
	return err;
}

static const char *answer(int err)
{
	return err ? strerrorname_np(err) : "taken";
}

static bool is_name_char(char c)
{
	return c > ' ' && c < 127 && c != ',';
}

/* Length of the name in front of an identity */
static size_t bare_len(const char *name, size_t len)
{
	const char *at = memchr(name, '@', len);

	return at ? (size_t)(at - name) : len;
}

/*
 * NAME SPACE VICTIM { COMMA VICTIM } [ NEWLINE ], no name twice, where VICTIM is
 * NAME or NAME@IDENTITY
 */
static bool is_grant(const char *text, size_t len)
{
	const char *names[MAX_TEXT], *begin = text;
	size_t lens[MAX_TEXT], nr = 0, i, j;

	if (len && text[len - 1] == '\n')
		len--;

	for (i = 0; i <= len; i++) {
		if (i < len && is_name_char(text[i]))
			continue;
		if (i < len && text[i] != (nr ? ',' : ' '))
			return false;

		names[nr] = begin;
		lens[nr] = bare_len(begin, text + i - begin);
		if (!lens[nr] || lens[nr] > MAX_NAME_LEN)
			return false;
		if (!nr && begin + lens[nr] != text + i)
			return false;
		for (j = 0; j < nr; j++)
			if (lens[j] == lens[nr] &&
			    !memcmp(names[j], names[nr], lens[nr]))
				return false;
		nr++;
		begin = text + i + 1;
	}

	return nr >= 2;
}

static size_t random_text(char *text)
{
	/* All names of new livepatches fit into those that may wait, none is tested */
	static const char * const parts[] = {
		"klp_w01 ", "klp_w02 ", "klp_low", "klp_mid", "klp_top",
		",klp_low", ",klp_mid", ",klp_top", ",klp_w01", "\n", " ", ",", "k",
		"@", "@4711", "\t", "\r", "\177", "\344", "x234567890123456789012345678901234567",
	};
	size_t nr = random() % 6, len = 0;

	/* Mostly begin like a grant: the rest would not be looked at otherwise */
	if (random() % 4)
		len = sprintf(text, "klp_w0%ld ", random() % 8);

	while (nr--) {
		long choice = random() % (sizeof(parts) / sizeof(*parts) + 2);

		if (choice < 2)
			text[len++] = choice ? random() % 256 : '\0';
		else
			len += sprintf(text + len, "%s", parts[choice - 2]);
	}

	return len;
}

static int fuzz(const char *file, unsigned int seed, unsigned int rounds)
{
	unsigned int round, taken = 0;
	char text[MAX_TEXT];

	srandom(seed);
	for (round = 0; round < rounds; round++) {
		size_t len = random_text(text);
		bool valid = is_grant(text, len);
		int err;

		/* No write of nothing reaches the kernel; no grant for others */
		if (!len || (valid && strncmp(text, "klp_w", 5)))
			continue;

		err = put(file, text, len);
		if (err != (valid ? 0 : EINVAL)) {
			printf("round %u: %s, but it is %s grant: '", round,
			       answer(err), valid ? "a" : "no");
			fwrite(text, 1, len, stdout);
			puts("'");
			return 1;
		}
		taken += valid;
	}

	printf("%u of %u taken\n", taken, rounds);
	return 0;
}

int main(int argc, char **argv)
{
	char text[MAX_TEXT];
	size_t len;

	if (argc == 4)
		return fuzz(argv[1], atoi(argv[2]), atoi(argv[3]));
	if (argc != 2)
		return 2;

	len = fread(text, 1, sizeof(text), stdin);
	puts(answer(put(argv[1], text, len)));
	return 0;
}
