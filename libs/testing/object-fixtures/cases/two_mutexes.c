// SPDX-License-Identifier: GPL-2.0
#include <linux/mutex.h>
#include "cases.h"

/* Three locks of one name in one object; who took one before a patch must keep others out after it. */
static DEFINE_MUTEX(mutex);
static int turn;

#ifdef PATCHED
static noinline int added(void)
{
	static DEFINE_MUTEX(mutex);

	return mutex_is_locked(&mutex);
}
#endif

static noinline int first(int turn)
{
	static DEFINE_MUTEX(mutex);
	int was;

#ifdef PATCHED
	barrier();
#endif
	was = mutex_is_locked(&mutex);
	if (turn == 0)
		mutex_lock(&mutex);
	return was;
}

static noinline int second(int turn)
{
	static DEFINE_MUTEX(mutex);
	int was = mutex_is_locked(&mutex);

	if (turn == 1)
		mutex_lock(&mutex);
	return was;
}

/* Reads "0 0 0" first; the first lock is then held for ever, then the second, then the file's. */
int two_mutexes_show(struct seq_file *m, void *v)
{
	int was = mutex_is_locked(&mutex);

	if (turn == 2)
		mutex_lock(&mutex);
	seq_printf(m, "%d %d %d", first(turn), second(turn), was);
	turn++;
#ifdef PATCHED
	seq_printf(m, " %d", added());
#endif
	seq_putc(m, '\n');
	return 0;
}
