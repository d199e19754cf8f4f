// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-faults.c - do something over and over until none of its allocations fails
 *
 * klp-faults [OPTION]... load FILE.ko [PARAMETER]...
 *	Loads a module. Allocations count where klp_fault.ko lets them.
 * klp-faults [OPTION]... read FILE
 *	Reads less than a page. All allocations of the system call count.
 * klp-faults [OPTION]... write FILE TEXT
 *
 *	-a NAME		the module gets this name, which must be as long as its own
 *	-b NAME,PARAMETER
 *			FILE.ko is loaded as this before, when it is not there any more:
 *			what comes replaces it
 *	-e ERROR	what it comes to at last, rather than success
 *	-g VICTIMS	a grant to shadow them is written before each load
 *	-n		no failure may make it fail
 *	-s FILE		what it shows belongs to the state
 *
 * The first time its first allocation fails, the second time its second one,
 * and so on, until the one that would fail is never made. Whenever it works, it
 * must have worked completely, and whenever it does not, it must leave the
 * state as it was: the livepatches and their order, the conflicts, the files
 * given with -s. Prints how many allocations there were and how many of them
 * made it fail. Exits with 1 when something is not as it must be or when there
 * were none that made it fail (with -n, none at all).
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <time.h>
#include "klp-module.h"

#define SYSFS		"/sys/kernel/livepatch"
#define DEBUGFS	"/sys/kernel/debug/livepatch"
#define HURRY		"/sys/module/klp_hurry/parameters/now"
#define SUCCESS		"success"
#define MAX_ATTEMPTS	5000
#define MAX_SHOWN	8
#define MAX_WAITS	60000	/* of some milliseconds each */

static struct {
	enum { LOAD, READ, WRITE } what;
	struct klp_module module;
	struct klp_module base;
	const char *name, *base_name, *victims;	/* of LOAD */
	const char *file, *text;		/* of READ and WRITE */
	const char *expected;
	bool harmless;
	const char *shown[MAX_SHOWN];
	unsigned int nr_shown;
	int fault_fd;
} job = { .expected = SUCCESS };

static unsigned int attempt;

#define fail(...)					\
	do {						\
		printf("allocation %u: ", attempt);	\
		printf(__VA_ARGS__);			\
		puts("");				\
		exit(1);				\
	} while (0)

/* --- files ---------------------------------------------------------------- */

/* The whole text, or the error in its place */
static char *read_text(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	static char chunk[1 << 16];
	size_t size;
	char *text;
	FILE *to = open_memstream(&text, &size);
	ssize_t len = -1;

	if (!to)
		die("memory");
	while (fd >= 0 && (len = read(fd, chunk, sizeof(chunk))) > 0)
		fwrite(chunk, 1, len, to);
	if (len < 0)
		fputs(strerrorname_np(errno), to);
	fclose(to);
	if (fd >= 0)
		close(fd);
	return text;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

static bool exists(const char *format, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), format, name);
	return !access(path, F_OK);
}

/* --- state ---------------------------------------------------------------- */

static void add_to_state(FILE *state, const char *path)
{
	char *text = read_text(path);

	fprintf(state, "%s: %s\n", path, text);
	free(text);
}

static char *read_state(void)
{
	DIR *dir = opendir(SYSFS);
	char path[PATH_MAX], *text;
	struct dirent *entry;
	unsigned int i;
	size_t size;
	FILE *state = open_memstream(&text, &size);

	if (!dir || !state)
		die(SYSFS);
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), SYSFS "/%s/stack_order",
			 entry->d_name);
		add_to_state(state, path);
	}
	closedir(dir);
	add_to_state(state, DEBUGFS "/conflicts");
	add_to_state(state, DEBUGFS "/shares");
	for (i = 0; i < job.nr_shown; i++)
		add_to_state(state, job.shown[i]);
	fclose(state);
	return text;
}

static void expect_state(const char *when, const char *expected)
{
	char *state = read_state();

	if (strcmp(state, expected))
		fail("state %s is\n%s\nand must be\n%s", when, state, expected);
	free(state);
}

/* --- loading and unloading -------------------------------------------------- */

static void wait_until(bool (*come_true)(const char *name), const char *name)
{
	unsigned int waits;

	for (waits = 0; !come_true(name); waits++) {
		if (waits == MAX_WAITS)
			fail("waited too long for %s", name);
		write_text(HURRY, "1");
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
}

static bool is_settled(const char *name)
{
	char path[PATH_MAX], *text;
	bool settled;

	snprintf(path, sizeof(path), SYSFS "/%s/transition", name);
	text = read_text(path);
	settled = text[0] != '1';
	free(text);
	return settled;
}

static bool is_gone(const char *name)
{
	return !exists(SYSFS "/%s", name);
}

static bool is_unloaded(const char *name)
{
	return !syscall(SYS_delete_module, name, O_NONBLOCK) || errno == ENOENT;
}

static void unload(void)
{
	char path[PATH_MAX];

	if (!is_gone(job.name)) {
		snprintf(path, sizeof(path), SYSFS "/%s/enabled", job.name);
		if (write_text(path, "0"))
			fail("%s cannot be disabled", job.name);
		wait_until(is_gone, job.name);
	}
	wait_until(is_unloaded, job.name);
}

static void load_base(void)
{
	if (!job.base_name || !is_gone(job.base_name))
		return;

	/* Its module is left when it was replaced */
	wait_until(is_unloaded, job.base_name);
	if (load_module(&job.base))
		fail("%s cannot be loaded", job.base_name);
	wait_until(is_settled, job.base_name);
}

/* --- failures --------------------------------------------------------------- */

static void arm(unsigned int nth)
{
	char text[16];
	int len = sprintf(text, "%u", nth);

	if (pwrite(job.fault_fd, text, len, 0) != len)
		die("cannot make an allocation fail");
}

/* The kernel counts down to zero, which it has reached when the failure came */
static bool disarm(void)
{
	char left[16] = "";

	if (pread(job.fault_fd, left, sizeof(left) - 1, 0) < 0)
		die("cannot tell whether an allocation has failed");
	arm(0);
	return atoi(left) == 0;
}

static const char *load_with_failure(bool *hit)
{
	char text[256];
	int err;

	if (job.victims) {
		snprintf(text, sizeof(text), "%s %s", job.name, job.victims);
		if (write_text(SYSFS "/override", text))
			fail("the grant is refused");
	}
	arm(attempt);
	err = load_module(&job.module);
	*hit = disarm();
	return answer_of(err, SUCCESS);
}

static const char *read_with_failure(bool *hit)
{
	int fd = open(job.file, O_RDONLY | O_CLOEXEC);
	static char text[4096];
	ssize_t len;
	int err;

	if (fd < 0)
		die(job.file);
	arm(attempt);
	len = read(fd, text, sizeof(text) - 1);
	err = errno;
	*hit = disarm();
	close(fd);
	if (len < 0)
		return strerrorname_np(err);
	text[len] = '\0';
	return text;
}

static const char *write_with_failure(bool *hit)
{
	int fd = open(job.file, O_WRONLY | O_CLOEXEC);
	ssize_t len;
	int err;

	if (fd < 0)
		die(job.file);
	arm(attempt);
	len = write(fd, job.text, strlen(job.text));
	err = errno;
	*hit = disarm();
	close(fd);
	return len < 0 ? strerrorname_np(err) : SUCCESS;
}

/* Returns what the reader gets, an error's name or SUCCESS */
static const char *try_with_failure(bool *hit)
{
	switch (job.what) {
	case READ:
		return read_with_failure(hit);
	case WRITE:
		return write_with_failure(hit);
	default:
		return load_with_failure(hit);
	}
}

static void check_unloaded(const char *before)
{
	if (job.what == LOAD && exists("/sys/module/%s", job.name))
		fail("the module is left in memory");
	expect_state("after a failure", before);
}

/* @working becomes the state after the first time that it worked */
static void check_loaded(char **working)
{
	wait_until(is_settled, job.name);
	/* A worker takes it out of sysfs */
	if (job.base_name)
		wait_until(is_gone, job.base_name);
	if (*working)
		expect_state("after success", *working);
	else
		*working = read_state();
}

static void check_outcome(const char *outcome, bool hit)
{
	if (!strcmp(outcome, job.expected))
		return;
	if (!hit)
		fail("%s, though none failed", outcome);
	/* Short memory neither lets a conflict in nor looks like one */
	if (!strcmp(outcome, SUCCESS) || !strcmp(outcome, "ENOTUNIQ"))
		fail("it comes to %s", outcome);
}

/* Returns false when the allocation that was to fail is never made */
static bool try_once(const char *before, char **working, unsigned int *fatal)
{
	const char *outcome;
	bool hit, loaded;

	outcome = try_with_failure(&hit);
	check_outcome(outcome, hit);
	*fatal += strcmp(outcome, job.expected) ? 1 : 0;

	loaded = job.what == LOAD && !strcmp(outcome, SUCCESS);
	if (loaded)
		check_loaded(working);
	else
		check_unloaded(before);
	if (loaded && hit)
		unload();
	return hit;
}

static void run(void)
{
	char *before, *working = NULL;
	unsigned int fatal = 0;

	load_base();
	before = read_state();
	for (attempt = 1; try_once(before, &working, &fatal); attempt++) {
		if (attempt == MAX_ATTEMPTS)
			fail("there is no end of them");
		load_base();
	}

	printf("%u allocations, %u of them fatal\n", attempt - 1, fatal);
	if (attempt == 1 || !fatal != job.harmless)
		exit(1);
}

/* --- command line ----------------------------------------------------------- */

static const char *name_of_file(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = strdup(slash ? slash + 1 : path);

	name[strcspn(name, ".")] = '\0';
	return name;
}

static void read_arguments(int argc, char **argv)
{
	const char *fault = "/proc/thread-self/fail-nth";
	char *base[3] = { NULL };
	int opt;

	while ((opt = getopt(argc, argv, "+a:b:e:g:ns:")) != -1) {
		if (opt == 'a')
			job.name = optarg;
		else if (opt == 'b')
			job.base_name = strtok_r(optarg, ",", &base[1]);
		else if (opt == 'e')
			job.expected = optarg;
		else if (opt == 'g')
			job.victims = optarg;
		else if (opt == 'n')
			job.harmless = true;
		else if (opt == 's' && job.nr_shown < MAX_SHOWN)
			job.shown[job.nr_shown++] = optarg;
		else
			exit(2);
	}
	argc -= optind;
	argv += optind;

	if (argc >= 2 && !strcmp(argv[0], "load")) {
		prepare_module(&job.module, job.name, argv + 1);
		if (!job.name)
			job.name = name_of_file(argv[1]);
		base[0] = argv[1];
		if (job.base_name)
			prepare_module(&job.base, job.base_name, base);
		fault = "/sys/module/klp_fault/parameters/nth";
	} else if (argc == 2 && !strcmp(argv[0], "read")) {
		job.what = READ;
		job.file = argv[1];
		job.expected = read_text(argv[1]);
	} else if (argc == 3 && !strcmp(argv[0], "write")) {
		job.what = WRITE;
		job.file = argv[1];
		job.text = argv[2];
	} else {
		exit(2);
	}

	job.fault_fd = open(fault, O_RDWR | O_CLOEXEC);
	if (job.fault_fd < 0)
		die(fault);
}

int main(int argc, char **argv)
{
	read_arguments(argc, argv);
	run();
	return 0;
}
