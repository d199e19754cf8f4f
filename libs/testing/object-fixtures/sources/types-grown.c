// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* Types that differ with the patch, each in one way, and how long what has them lives. */
void *allocate(unsigned long size);
int use(void *what);

struct at_end {
	long first;
#ifdef PATCHED
	long added;
#endif
};

struct in_middle {
	long first;
#ifdef PATCHED
	int added;
#endif
	long last;
};

struct outer {
	int before;
	struct in_middle inner;
	int behind;
};

struct in_hole {
	int first;
#ifdef PATCHED
	int added;
#endif
	long last;
};

struct swapped {
#ifdef PATCHED
	long two, one;
#else
	long one, two;
#endif
};

struct retyped {
#ifdef PATCHED
	unsigned int value;
#else
	int value;
#endif
	void (*call)(
#ifdef PATCHED
		     int more,
#endif
		     struct at_end *end);
};

struct bits {
	unsigned int one : 3;
#ifdef PATCHED
	unsigned int two : 5;
#endif
	unsigned int three : 4;
};

struct flag_added {
	unsigned int one : 3;
#ifdef PATCHED
	unsigned int two : 1;
#endif
	long last;
};

struct flag_gone {
	int one;
#ifndef PATCHED
	short two;
#endif
	long last;
};

struct overlaid {
	union {
		long one;
#ifdef PATCHED
		int two;
#endif
	};
};

enum state {
	BEGUN,
#ifdef PATCHED
	PAUSED,
#endif
	ENDED,
	STATES
};

enum more {
	FIRST,
	SECOND,
#ifdef PATCHED
	THIRD,
#endif
	COUNT
};

/* What is added stands before the last, which counts nothing. */
enum last_state {
	OPENED,
#ifdef PATCHED
	DRAINED,
#endif
	CLOSED
};

/* Flags that objects keep as plain integers. */
enum {
#ifdef PATCHED
	IS_DEAD = 4,
	IS_IDLE = 2,
#else
	IS_DEAD = 2,
	IS_IDLE = 4,
#endif
	IS_BOUND = 8,
	FLAGS_MAX
};

/* Numbers that mean something else in the same bytes, and one that is only called otherwise. */
typedef unsigned int u32;
typedef u32 __be32;
typedef u32 __le32;
typedef long ticks_t, seconds_t;

struct meant {
#ifdef PATCHED
	__le32 length;
	unsigned int size;
#else
	__be32 length;
	u32 size;
#endif
};

struct meant_list {
#ifdef PATCHED
	ticks_t *stamps[2];
#else
	seconds_t *stamps[2];
#endif
};

#ifdef PATCHED
static __be32 limit;
#else
static u32 limit;
#endif

typedef struct {
	int value;
#ifdef PATCHED
	int other;
#endif
} unnamed_t;

/* Only ever a variable of a function, and what that calls. */
struct on_stack {
	int value;
#ifdef PATCHED
	int other;
#endif
};

/* On the stack, and found by others. */
struct waiter {
	struct list_head {
		struct list_head *next, *prev;
	} list;
#ifdef PATCHED
	int other;
#endif
};

/* On the stack, and collects others on a list that nobody else finds it by (as struct lb_env of the scheduler). */
struct collector {
	struct list_head tasks;
#ifdef PATCHED
	int other;
#endif
};

/* On the stack of who polls; who wakes it comes by an entry of its array (as struct poll_wqueues). */
struct polled {
#ifdef PATCHED
	int other;
#endif
	int triggered;
	struct {
		struct wait_queue_entry {
			void *private;
		} wait;
	} entries[2];
};

/* On the stack of who waits while another processor or thread works on it (as struct multi_stop_data). */
struct asked {
#ifdef PATCHED
	int other;
#endif
	int value;
};

/* The same, but it is given to what walks for its owner, with what that found. */
struct walked {
#ifdef PATCHED
	int other;
#endif
	int value;
};

#ifdef PATCHED
struct only_new {
	int value;
};
#endif

struct same {
	int value;
};

unnamed_t global;
static enum more more;
static enum last_state last_state;
static unsigned int flags;

int make(int value)
{
	struct at_end *end = allocate(sizeof(*end));
	struct outer *outer = allocate(sizeof(*outer));
	struct in_hole *hole = allocate(sizeof(*hole));
	struct swapped *swapped = allocate(sizeof(*swapped));
	struct retyped *retyped = allocate(sizeof(*retyped));
	struct bits *bits = allocate(sizeof(*bits));
	struct flag_added *flag_added = allocate(sizeof(*flag_added));
	struct flag_gone *flag_gone = allocate(sizeof(*flag_gone));
	struct overlaid *overlaid = allocate(sizeof(*overlaid));
	struct same *same = allocate(sizeof(*same));
	struct meant *meant = allocate(sizeof(*meant));
	struct meant_list *meant_list = allocate(sizeof(*meant_list));
	enum state state = value ? ENDED : BEGUN;

	meant->length = limit++;
	use(meant_list);

	more = value;
	last_state = value ? CLOSED : OPENED;
	flags |= value ? IS_IDLE : IS_DEAD | IS_BOUND;
	retyped->call(
#ifdef PATCHED
		      1,
#endif
		      end);
	use(flag_added);
	use(flag_gone);
	use(overlaid);
	return use(end) + use(outer) + use(hole) + use(swapped) + use(bits) + use(same) + state + more + global.value;
}

static noinline int helper(struct on_stack *stack)
{
	return use(stack) + stack->value;
}

static noinline void collect(struct collector *collector)
{
	collector->tasks.next = &collector->tasks;
#ifdef PATCHED
	collector->other = 1;
#endif
}

int work(int value)
{
	struct on_stack stack = { .value = value };
	struct waiter waiter = { { 0 } };
	struct collector collector = { { 0 } };
#ifdef PATCHED
	struct only_new fresh = { value };

	use(&fresh);
#endif
	collect(&collector);
	return helper(&stack) + use(&waiter) + use(collector.tasks.next);
}

/* What is on a list is found by whoever walks it. */
int wake(struct list_head *list)
{
	struct waiter *waiter = (struct waiter *)list->next;

	return use(waiter);
}

int pollwake(struct wait_queue_entry *wait)
{
	struct polled *polled = wait->private;

	return ++polled->triggered;
}

int poll(void)
{
	struct polled polled = { 0 };

	return use(&polled) + polled.triggered;
}

int answer(void *data)
{
	struct asked *asked = data;

	return ++asked->value;
}

int ask(void)
{
	struct asked asked = { 0 };

	return use(answer) + use(&asked) + asked.value;
}

int visit(int found, void *data)
{
	struct walked *walked = data;

	return walked->value += found;
}

int walk(void)
{
	struct walked walked = { 0 };

	return use(visit) + use(&walked) + walked.value;
}
