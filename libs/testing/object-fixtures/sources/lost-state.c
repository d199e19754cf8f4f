// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* State that is somewhere else with the patch. One case at a time; PLACE tells two objects of one patch apart. */
#define SEALED __section(".data..ro_after_init")

#if defined(RENAMED)
#ifdef PATCHED
static int total;
#define count total
#else
static int count;
#endif
int work(int value)
{
#ifdef PATCHED
	value += 3;
#endif
	count += value;
	return count;
}

#elif defined(LEFT_FUNCTION) || defined(INTO_FUNCTION)
#if defined(PATCHED) == defined(LEFT_FUNCTION)
static int count;
#endif
int work(int value)
{
#if defined(PATCHED) != defined(LEFT_FUNCTION)
	static int count;
#endif
	count += value;
	return count;
}

#elif defined(SEALED_RENAMED)
#ifdef PATCHED
#define cache object_cache
#endif
static SEALED void *cache;
void *allocate(void *from);
__section(".init.text") int setup(void) { cache = allocate(0); return 0; }
void *work(int value) { return value > 3 ? 0 : allocate(cache); }

#elif defined(KEPT)
static __used int count;
#ifdef PATCHED
static int total;
#define count total
#endif
int work(int value)
{
	count += value;
	return count;
}

#elif defined(SPLIT)
#ifdef PATCHED
static int head, tail;
#else
static int ring[2];
#define head ring[0]
#define tail ring[1]
#endif
int work(int value)
{
	head += value;
	tail -= value;
	return head ^ tail;
}

#elif defined(EACH_CPU)
/* A counter of all processors becomes a lock of each. */
#ifdef PATCHED
static __section(".data..percpu") int locks;
#define count locks
#else
static int count;
#endif
int work(int value)
{
	count += value;
	return count;
}

#elif defined(FROM) || defined(TO)
/* A counter and what counts are moved from one file to another. */
#if defined(FROM) != defined(PATCHED)
static int counted;
noinline int count_one(int value)
{
	counted += value;
	return counted;
}
#endif
#ifdef FROM
int work(int value)
{
#ifdef PATCHED
	return other(value);
#else
	return count_one(value);
#endif
}
#else
int elsewhere(int value)
{
#ifdef PATCHED
	counted++;
#endif
	return other(value);
}
#endif

#elif defined(ALIAS)
int state = 5;
#ifdef PATCHED
extern int all_state __attribute__((alias("state")));
#endif
int work(int value)
{
#ifdef PATCHED
	value++;
#endif
	state += value;
	return state;
}

#elif defined(FUNCTION_ALIAS)
static int called(int value)
{
#ifdef PATCHED
	value++;
#endif
	return other(value);
}
#ifdef PATCHED
int also_called(int value) __attribute__((alias("called")));
#endif
__section(".init.text") int setup(int (**keep)(int)) { *keep = called; return 0; }

#elif defined(OVERRIDES)
/* Another object has a weak one. */
#ifdef PATCHED
int elsewhere(int value) { return other(value) + 1; }
#endif
int work(int value) { return other(value); }

#elif defined(OVERRIDES_BY_ALIAS)
/* As above, by one more name of what is there, which does not come first. */
int become(int value) { return other(value) + 1; }
#ifdef PATCHED
extern int elsewhere(int value) __attribute__((alias("become")));
#endif
int work(int value) { return other(value); }

#elif defined(ADDED)
#ifdef PATCHED
int uncalled(int value) { return other(value) + 1; }
#endif
int work(int value) { return other(value); }

#elif defined(REORDERED)
#ifdef PATCHED
int work(int value) { return other(value) + 2; }
#endif
int first(int value) { return other(value) + 3; }
int second(int value) { return first(value) + 4; }
int third(int value) { return second(value) + 5; }
#ifndef PATCHED
int work(int value) { return other(value) + 1; }
#endif

#elif defined(GONE) || defined(HIDDEN)
/* What others call by its name is theirs no more. */
#ifdef HIDDEN
#ifdef PATCHED
static
#endif
noinline int hook(int value) { return other(value) + 1; }
#elif !defined(PATCHED)
int hook(int value) { return other(value) + 1; }
#endif
#ifndef PATCHED
__section(".init.text") int boot_hook(int value) { return other(value) + 2; }
__attribute__((weak)) int weak_hook(int value) { return other(value) + 3; }
#endif
int work(int value)
{
#ifdef HIDDEN
	return hook(value);
#else
	return other(value);
#endif
}
#endif
