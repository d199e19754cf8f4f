// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* New functions whose address goes somewhere: what may call them when the patch is gone, and what cannot. */
typedef void (*callback)(void *);
struct head {
	struct head *next;
	callback function;
};

void call_rcu(struct head *head, callback function);
void sort(void *base, unsigned long count, unsigned long size, int (*compare)(const void *, const void *), void *swap);
int register_netdevice_notifier(struct head *block);
void *kthread_create_on_node(callback function, void *data, int node, const char *name);
int request_threaded_irq(int line, callback function, callback thread, long flags, const char *name, void *data);
int __percpu_counter_init(struct head *counter, long amount, int flags, void *key);
int walk_page_range(struct head *head, const struct head *operations, void *data);
void prepare_to_wait(struct head *queue, struct head *head, int state);
void queue_later(struct head *head);

#ifdef PATCHED
static noinline void after_grace(void *data) { other((long)data); }
static noinline int compares(const void *a, const void *b) { return other(a < b); }
static noinline void notified(void *data) { other((long)data + 1); }
static noinline void threaded(void *data) { other((long)data + 2); }
static noinline void worked(void *data) { other((long)data + 3); }
static noinline void woken(void *data) { other((long)data + 4); }
static noinline void visited(void *data) { other((long)data + 5); }
static noinline void only_called(void *data) { other((long)data + 6); }
static noinline void again(void *data)
{
	if (other((long)data + 7))
		call_rcu(data, again);
}
static struct head linked_in;
static struct head counter;
static struct head own_list = { .next = &own_list };
static struct head block = { .function = notified };
static const struct head operations = { .function = visited };
#endif

int waited(struct head *head)
{
#ifdef PATCHED
	call_rcu(head, after_grace);
#endif
	return other(1);
}

int sorted(int *numbers)
{
#ifdef PATCHED
	sort(numbers, 4, 4, compares, 0);
#endif
	return other(2);
}

int walked(struct head *head)
{
#ifdef PATCHED
	walk_page_range(head, &operations, 0);
#endif
	return other(3);
}

int on_stack(int value)
{
#ifdef PATCHED
	own_list.next = &own_list;
	other(own_list.next == 0);
	struct head head = { .function = woken };

	prepare_to_wait(&own_list, &head, 1);
#endif
	return other(4);
}

int calls(int value)
{
#ifdef PATCHED
	only_called(&value);
#endif
	return other(5);
}

#ifndef HARMLESS
int registered(void)
{
#ifdef PATCHED
	register_netdevice_notifier(&block);
#endif
	return other(6);
}

int started(void)
{
#ifdef PATCHED
	kthread_create_on_node(threaded, 0, -1, "fixture");
#endif
	return other(7);
}

int repeated(struct head *head)
{
#ifdef PATCHED
	call_rcu(head, again);
#endif
	return other(9);
}

int linked(struct head *head)
{
#ifdef PATCHED
	head->next = &linked_in;
#endif
	return other(10);
}

struct calls {
	int (*function)(int value);
};

struct shown {
	const struct calls *calls;
	const char *name;
};

#ifdef PATCHED
static const struct calls only_of_the_kernel = { other };
#endif

int kept_operations(struct shown *shown)
{
#ifdef PATCHED
	shown->calls = &only_of_the_kernel;
#endif
	return other(11);
}

const struct calls *chosen(int value)
{
#ifdef PATCHED
	if (other(value) > 3)
		return &only_of_the_kernel;
#endif
	return other(17) ? 0 : (void *)1;
}

int kept_name(struct shown *shown)
{
	shown->name = "a name";
#ifdef PATCHED
	return other(13);
#endif
	return other(12);
}

int kept_line(int line)
{
#ifdef PATCHED
	request_threaded_irq(line, 0, 0, 0, "a line", 0);
#endif
	return other(14);
}

int told(struct shown *answer)
{
#ifdef PATCHED
	static const char __msg[] = "told before it returns";

	answer->name = __msg;
#endif
	return other(15);
}

int counted(void)
{
#ifdef PATCHED
	__percpu_counter_init(&counter, 0, 0, 0);
#endif
	return other(16);
}

int stored(struct head *head)
{
#ifdef PATCHED
	head->function = worked;
	queue_later(head);
#endif
	return other(8);
}
#endif
