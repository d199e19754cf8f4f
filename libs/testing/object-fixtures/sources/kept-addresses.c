// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* Ways by which the address of a new function or variable gets to where it is kept. */
typedef void (*callback)(void *);
struct head {
	struct head *next;
	callback function, other_function, third_function, fourth_function, fifth_function, sixth_function;
	void (*keep)(struct head *head, callback function);
};

void call_rcu(struct head *head, callback function);
void list_sort(void *data, struct head *head, callback function);
void task_work_add(struct head *head, callback function);
int netlink_dump_start(void *socket, struct head *control);
int iterate_dir(void *file, struct head *context);
void prepare_to_wait(struct head *queue, struct head *head, int state);
void mutex_lock(struct head *lock);
void mutex_unlock(struct head *lock);

#ifdef PATCHED
#define FUNCTION(name) static noinline void name(void *data) { other((long)data + __LINE__); }
FUNCTION(dumped)
FUNCTION(one_way)
FUNCTION(called_back)
FUNCTION(chosen)
FUNCTION(listed)
FUNCTION(also_listed)
FUNCTION(reloaded)
FUNCTION(freed)
FUNCTION(visited)
FUNCTION(woken)
static struct head exchanged, lock;
static const long constants[] = { 3, 1, 4, 1, 5, 9, 2, 6 };
#endif

int copies(void *socket)
{
#ifdef PATCHED
	struct head control = { .function = dumped };

	return netlink_dump_start(socket, &control) + 1;
#endif
	return other(1);
}

int parts(struct head *head, int value)
{
#ifdef PATCHED
	callback function = one_way;

	asm volatile("" : "+r"(function));
	if (value)
		list_sort(0, head, function);
	else
		task_work_add(head, function);
#endif
	return other(2);
}

int points(struct head *head)
{
#ifdef PATCHED
	head->keep(head, called_back);
	call_rcu(head, freed);
#endif
	return other(3);
}

int chooses(struct head *head, int value)
{
#ifdef PATCHED
	callback function = chosen;

	asm volatile("" : "+r"(function));
	head->function = function;
	call_rcu(head, freed);
#endif
	return other(4);
}

int lists(struct head *head, int value)
{
#ifdef PATCHED
	callback functions[] = { listed, also_listed, listed, also_listed, listed, also_listed, listed, also_listed };

	head->function = functions[value & 7];
#endif
	return other(5);
}

int reloads(struct head *head)
{
#ifdef PATCHED
	volatile callback function = reloaded;

	head->function = function;
	call_rcu(head, freed);
#endif
	return other(6);
}

int exchanges(struct head *head)
{
#ifdef PATCHED
	__atomic_exchange_n(&head->next, &exchanged, __ATOMIC_SEQ_CST);
#endif
	return other(7);
}

int named(struct head *head, int value)
{
#ifdef PATCHED
	static const char *const names[] = { "one", "two", "three", "four" };
	static const struct { const char *name; int bytes; } sized[] = { { "short", 2 }, { "long", 8 } };
	static const char *const shown[] = { "first", "second", "third", "fourth" };

	head->next = (struct head *)names[value & 3];
	other((long)shown[value & 3]);
	*(int *)&head->function = sized[value & 1].bytes;
#endif
	return other(9);
}

void synchronize_srcu(struct head *domain);

int waits(struct head *head)
{
#ifdef PATCHED
	static struct head domain;

	synchronize_srcu(&domain);
#endif
	return other(10);
}

extern struct { void (*lock)(struct head *lock), (*unlock)(struct head *lock); } pv_ops;
struct copier { void (*copy)(void *to, const void *from); };

int polls(struct head *head)
{
#ifdef PATCHED
	static struct head queue;

	if (head && head->keep)
		head->keep(&queue, 0);
#endif
	return other(11);
}

int harmless(struct head *head, void *file, struct copier *copier)
{
#ifdef PATCHED
	struct head context = { .function = visited }, waiting = { .function = woken };

	mutex_lock(&lock);
	iterate_dir(file, &context);
	prepare_to_wait(head, &waiting, 1);
	call_rcu(head, freed);
	mutex_unlock(&lock);
	/* As the kernel calls them, past what guards calls through pointers. */
	asm volatile("call *%0" : : "m"(pv_ops.unlock), "D"(&lock) : "rax", "memory");
	copier->copy(file, constants);
#endif
	return other(8);
}
