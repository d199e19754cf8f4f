// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* A variable or function whose name stays, and whose memory is another one with the patch. One case at a time. */
#define READ_ONLY_LATER __section(".data..ro_after_init")
#define EACH_CPU __section(".data..percpu")
#define START_DATA __section(".init.data")
#define START_CODE __section(".init.text")

int keep(const int *place);

#if defined(CONSTANT)
#ifdef PATCHED
int limit = 5;
#else
const int limit = 5;
#endif
#elif defined(SEALED)
#ifdef PATCHED
static int limit = 5;
#else
static int READ_ONLY_LATER limit = 5;
#endif
#elif defined(PER_CPU)
#ifdef PATCHED
EACH_CPU
#endif
int limit = 5;
#elif defined(START)
#ifdef PATCHED
int limit = 5;
#else
int START_DATA limit = 5;
#endif
#elif defined(SHARED_WITH_HOST)
#ifdef PATCHED
__section(".data..decrypted")
#endif
int limit = 5;
#elif defined(NEW_UNSAVED)
int limit = 5;
#ifdef PATCHED
__section(".data..nosave") int unsaved = 5;
#endif
#elif defined(MOSTLY_READ)
#ifdef PATCHED
__section(".data..read_mostly")
#endif
static int limit;
#elif defined(TIGHTER)
#ifdef PATCHED
READ_ONLY_LATER
#endif
int limit = 5;
#else
int limit = 5;
#endif

START_CODE int setup(void) { return keep(&limit); }

#ifdef PATCHED
#define LEFT_START
#else
#define LEFT_START START_CODE
#endif
#ifdef GLOBAL_FUNCTION
noinline LEFT_START int prepare(int value) { return other(value) + 3; }
#else
static noinline LEFT_START int prepare(int value) { return other(value) + 3; }
#endif

int work(int value)
{
#if defined(FUNCTION) || defined(GLOBAL_FUNCTION)
	return prepare(value);
#elif !defined(PATCHED)
	return other(value);
#elif defined(PER_CPU)
	asm volatile("incl %%gs:%0" : "+m"(limit));
	return other(value);
#elif defined(START) || defined(TIGHTER)
	return value > limit ? 0 : other(value);
#elif defined(NEW_UNSAVED)
	unsaved = value;
	return other(value);
#else
	limit = value;
	return other(value);
#endif
}
