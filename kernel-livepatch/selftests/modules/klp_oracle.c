// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_oracle.c - did all tasks switch at one instant?
 *
 * klp_oracle_outer() and klp_oracle_inner() are patched together. Every run of
 * the first one tells when it starts and when it ends, and which version it is.
 * When all tasks switch at one instant
 *  - no run of one version starts while one of the other goes on (mixtures),
 *  - the version of the runs changes once for each switch (turns), and
 *  - both functions of a run are of one version (torn).
 *
 * /proc/klp_oracle	write "WAY USECS" to run them, read the counts
 * @hold		keeps those in the function that want to be held
 * @threads		number of kernel threads that run them all the time
 */

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include "klp_oracle.h"

#define MAX_THREADS	16

static DECLARE_WAIT_QUEUE_HEAD(klp_oracle_wait);
static struct task_struct *klp_oracle_threads[MAX_THREADS];

static bool hold;
static unsigned int threads;
module_param(threads, uint, 0444);

static atomic_t klp_oracle_running[2];
static atomic64_t klp_oracle_runs[2];
static atomic64_t klp_oracle_mixtures;
static atomic64_t klp_oracle_torn;
static atomic64_t klp_oracle_turns;
static atomic_t klp_oracle_latest;

/**
 * klp_oracle_enter() - a run of klp_oracle_outer() starts
 * @version:	0 for the original, 1 for the livepatch
 */
noinline void klp_oracle_enter(int version)
{
	atomic_inc(&klp_oracle_running[version]);
	/* Count first, then look: the later of two runs sees the other */
	smp_mb__after_atomic();
	if (atomic_read(&klp_oracle_running[!version]))
		atomic64_inc(&klp_oracle_mixtures);
	if (atomic_xchg(&klp_oracle_latest, version) != version)
		atomic64_inc(&klp_oracle_turns);
}
EXPORT_SYMBOL_GPL(klp_oracle_enter);

/**
 * klp_oracle_leave() - a run ends
 * @version:	as for klp_oracle_enter()
 * @inner_version: version of klp_oracle_inner() in this run
 */
noinline void klp_oracle_leave(int version, int inner_version)
{
	if (version != inner_version)
		atomic64_inc(&klp_oracle_torn);
	atomic64_inc(&klp_oracle_runs[version]);
	/* What the run did is done before it is no longer counted */
	smp_mb__before_atomic();
	atomic_dec(&klp_oracle_running[version]);
}
EXPORT_SYMBOL_GPL(klp_oracle_leave);

/**
 * klp_oracle_act() - pass the time in a run
 * @way:	how
 * @usecs:	for how long
 */
noinline void klp_oracle_act(enum klp_oracle_way way, unsigned int usecs)
{
	switch (way) {
	case KLP_ORACLE_SPIN:
		udelay(min(usecs, 1000U));
		break;
	case KLP_ORACLE_SLEEP:
		usleep_range(usecs, usecs + 1);
		break;
	case KLP_ORACLE_YIELD:
		schedule();
		break;
	case KLP_ORACLE_HOLD:
		wait_event_interruptible(klp_oracle_wait, !READ_ONCE(hold));
		break;
	case KLP_ORACLE_PASS:
	case KLP_ORACLE_COLD:
	case KLP_ORACLE_CLONE:
	case KLP_ORACLE_WAYS:
		break;
	}
}
EXPORT_SYMBOL_GPL(klp_oracle_act);

noinline int klp_oracle_inner(enum klp_oracle_way way, unsigned int usecs)
{
	klp_oracle_act(way, usecs);
	return 0;
}
EXPORT_SYMBOL_GPL(klp_oracle_inner);

static noinline void klp_oracle_outer(enum klp_oracle_way way,
				      unsigned int usecs)
{
	int inner;

	klp_oracle_enter(0);
	inner = klp_oracle_inner(way, usecs);
	klp_oracle_act(way == KLP_ORACLE_HOLD ? KLP_ORACLE_PASS : way,
		       usecs);
	klp_oracle_leave(0, inner);
	/* Not the last call, or else it has left the stack while it is counted */
	barrier();
}

/**
 * klp_oracle_call() - run both functions
 * @way:	what to do in them
 * @usecs:	for how long
 */
void klp_oracle_call(enum klp_oracle_way way, unsigned int usecs)
{
	klp_oracle_outer(way, usecs);
}
EXPORT_SYMBOL_GPL(klp_oracle_call);

static noinline __cold void klp_oracle_freeze(void)
{
	wait_event(klp_oracle_wait, !READ_ONCE(hold));
}

/* What leads to cold code the compiler moves out, as klp_oracle_rare.cold */
static noinline void klp_oracle_rare(bool rare)
{
	if (rare) {
		klp_oracle_freeze();
		/* Not the last thing it does, or else it would not wait here */
		barrier();
	}
}

/* Another name for it, not the one that its cold part has */
static void __used klp_oracle_seldom(bool rare) __alias(klp_oracle_rare);

/*
 * The compiler makes two of a function to inline its beginning. The first then
 * ends with a jump to the second, which it names like this.
 */
static void klp_oracle_split_rest(void)
	asm("klp_oracle_split.part.0");

static noinline __used void klp_oracle_split_rest(void)
{
	wait_event(klp_oracle_wait, !READ_ONCE(hold));
}

static noinline void klp_oracle_split(bool rest)
{
	if (rest)
		klp_oracle_split_rest();
}

static int klp_oracle_thread(void *unused)
{
	unsigned int i;

	for (i = 0; !kthread_should_stop(); i++) {
		klp_oracle_outer(i % KLP_ORACLE_HOLD, 200);
		usleep_range(2000, 4000);
	}

	return 0;
}

static ssize_t klp_oracle_write(struct file *file, const char __user *from,
				size_t count, loff_t *pos)
{
	unsigned int way, usecs;
	char text[32] = {};

	if (count >= sizeof(text) || copy_from_user(text, from, count))
		return -EINVAL;
	if (sscanf(text, "%u %u", &way, &usecs) != 2 || way >= KLP_ORACLE_WAYS)
		return -EINVAL;

	if (way == KLP_ORACLE_COLD)
		klp_oracle_rare(READ_ONCE(hold));
	else if (way == KLP_ORACLE_CLONE)
		klp_oracle_split(READ_ONCE(hold));
	else
		klp_oracle_call(way, usecs);
	return count;
}

static int klp_oracle_show(struct seq_file *m, void *v)
{
	seq_printf(m, "runs %lld %lld\nmixtures %lld\ntorn %lld\nturns %lld\n",
		   atomic64_read(&klp_oracle_runs[0]),
		   atomic64_read(&klp_oracle_runs[1]),
		   atomic64_read(&klp_oracle_mixtures),
		   atomic64_read(&klp_oracle_torn),
		   atomic64_read(&klp_oracle_turns));
	return 0;
}

static int klp_oracle_open(struct inode *inode, struct file *file)
{
	return single_open(file, klp_oracle_show, NULL);
}

static const struct proc_ops klp_oracle_proc_ops = {
	.proc_open = klp_oracle_open,
	.proc_read = seq_read,
	.proc_write = klp_oracle_write,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};

static int klp_oracle_set_hold(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_bool(val, kp);

	wake_up_all(&klp_oracle_wait);
	return ret;
}

static const struct kernel_param_ops klp_oracle_hold_ops = {
	.set = klp_oracle_set_hold,
	.get = param_get_bool,
};
module_param_cb(hold, &klp_oracle_hold_ops, &hold, 0644);

static void klp_oracle_stop_threads(void)
{
	unsigned int i;

	for (i = 0; i < MAX_THREADS; i++) {
		if (klp_oracle_threads[i])
			kthread_stop(klp_oracle_threads[i]);
	}
}

static int __init klp_oracle_init(void)
{
	struct task_struct *thread;
	unsigned int i;

	for (i = 0; i < min_t(unsigned int, threads, MAX_THREADS); i++) {
		thread = kthread_run(klp_oracle_thread, NULL, "klp_oracle/%u",
				     i);
		if (IS_ERR(thread)) {
			klp_oracle_stop_threads();
			return PTR_ERR(thread);
		}
		klp_oracle_threads[i] = thread;
	}

	if (proc_create("klp_oracle", 0644, NULL, &klp_oracle_proc_ops))
		return 0;

	klp_oracle_stop_threads();
	return -ENOMEM;
}

static void __exit klp_oracle_exit(void)
{
	remove_proc_entry("klp_oracle", NULL);
	klp_oracle_stop_threads();
}

module_init(klp_oracle_init);
module_exit(klp_oracle_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Tells whether all tasks switched at one instant");
