// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { kernelTestSetupMs, testKernelFlavour } from '@lockstep/testing/qemu-machine';
import type { Edit } from '../index';
import { PatchableMachine } from '../patchable-machine';

let machine: PatchableMachine;

const show = 'static int cmdline_proc_show(struct seq_file *m, void *v)\n{\n';

/** A patch of what /proc/cmdline shows, with something new before it. */
const edits = (before: string, statement: string): readonly Edit[] => [
  ['fs/proc/cmdline.c', '', '#include <linux/seq_file.h>\n', `#include <linux/seq_file.h>\n${before}`],
  ['fs/proc/cmdline.c', '', show, `${show}\t${statement}\n`],
];

const afterGrace = edits(
  `#include <linux/slab.h>
struct lockstep_late {
	struct rcu_head rcu;
};
static void lockstep_free(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct lockstep_late, rcu));
}
static noinline void lockstep_defer(void)
{
	struct lockstep_late *late = kmalloc(sizeof(*late), GFP_KERNEL);

	if (late)
		call_rcu(&late->rcu, lockstep_free);
}
`,
  'lockstep_defer();',
);

const timed = edits(
  `#include <linux/timer.h>
static unsigned long lockstep_ticks;
static void lockstep_tick(struct timer_list *timer)
{
	lockstep_ticks++;
	mod_timer(timer, jiffies + HZ / 10);
}
static DEFINE_TIMER(lockstep_timer, lockstep_tick);
`,
  'mod_timer(&lockstep_timer, jiffies + 1);\n\tseq_printf(m, "ticks %lu\\n", READ_ONCE(lockstep_ticks));',
);

const worked = edits(
  `#include <linux/workqueue.h>
static void lockstep_work_function(struct work_struct *work)
{
	pr_info("lockstep worked\\n");
}
static DECLARE_WORK(lockstep_work, lockstep_work_function);
`,
  'schedule_work(&lockstep_work);',
);

const notified = edits(
  `#include <linux/netdevice.h>
static int lockstep_notify(struct notifier_block *block, unsigned long event, void *data)
{
	pr_info("lockstep notified\\n");
	return NOTIFY_DONE;
}
static struct notifier_block lockstep_block = { .notifier_call = lockstep_notify };
static bool lockstep_registered;
`,
  'if (!xchg(&lockstep_registered, true))\n\t\tregister_netdevice_notifier(&lockstep_block);',
);

const threaded = edits(
  `#include <linux/kthread.h>
#include <linux/delay.h>
static int lockstep_thread(void *unused)
{
	while (!kthread_should_stop()) {
		pr_info("lockstep thread\\n");
		msleep(200);
	}
	return 0;
}
static bool lockstep_started;
`,
  'if (!xchg(&lockstep_started, true))\n\t\tkthread_run(lockstep_thread, NULL, "lockstep");',
);

const named = edits(
  `#include <linux/ioport.h>
static const char *const lockstep_names[] = { "lockstep even", "lockstep odd" };
`,
  'ioport_resource.child->name = lockstep_names[m->count & 1];',
);

describe('code that may be called when its livepatch is disabled', () => {
  beforeAll(async () => {
    machine = await PatchableMachine.start({ name: 'outliving', flavour: testKernelFlavour() });
  }, kernelTestSetupMs);

  afterAll(() => machine[Symbol.asyncDispose]());

  test('callbacks of RCU have run before the module goes', async () => {
    expect((await machine.build('klp_rcu', afterGrace)).staysLoadedFor).toEqual([]);
    await machine.load('klp_rcu');
    await machine.run('for i in $(seq 300); do cat /proc/cmdline; done >/dev/null');
    await machine.disable('klp_rcu');
    await machine.run('rmmod klp_rcu; sleep 1');
    expect(await machine.run("dmesg | grep -E 'BUG|Oops|fault' || :")).toBe('');
  }, 300_000);

  test('a timer that arms itself goes on, in a module that the kernel keeps', async () => {
    const { staysLoadedFor, remarks } = await machine.build('klp_timer', timed);
    expect(staysLoadedFor.join('\n')).toMatch(/lockstep_timer/);
    expect(remarks.join('\n')).toContain('stays loaded until the next boot');
    await machine.load('klp_timer');
    await machine.run('cat /proc/cmdline; sleep 1');
    expect(await machine.run('cat /proc/cmdline')).toMatch(/^ticks [1-9]/m);
    await machine.disable('klp_timer');
    expect(await machine.run('cat /proc/cmdline')).not.toContain('ticks');
    expect(await machine.run('rmmod klp_timer 2>&1 && echo gone || :')).not.toContain('gone');
    expect(await machine.run('grep ^klp_timer /proc/modules')).toContain('[permanent],');
    expect(await machine.run("sleep 1; dmesg | grep -E 'BUG|Oops|fault' || :")).toBe('');
  }, 300_000);

  test('so does queued work', async () => {
    expect((await machine.build('klp_work', worked)).staysLoadedFor.join('\n')).toMatch(/lockstep_work/);
    await machine.load('klp_work');
    await machine.run('cat /proc/cmdline; sleep 1');
    expect(await machine.run('dmesg')).toContain('lockstep worked');
    await machine.disable('klp_work');
    expect(await machine.run('grep ^klp_work /proc/modules')).toContain('[permanent],');
  }, 300_000);

  test.each([
    ['klp_notifier', notified, 'lockstep_notify', 'ip link set lo down; ip link set lo up', 'lockstep notified'],
    ['klp_thread', threaded, 'lockstep_thread', 'sleep 1', 'lockstep thread'],
  ])(
    '%s is called on, by whom it was given to',
    async (name, changes, code, trigger, said) => {
      const { staysLoadedFor, caveats } = await machine.build(name, changes);
      expect(staysLoadedFor.join('\n')).toContain(code);
      expect(caveats).toEqual(staysLoadedFor.map((message) => ({ kind: 'stays-loaded', message })));
      await machine.load(name);
      await machine.run('cat /proc/cmdline; sleep 1');
      await machine.disable(name);
      await machine.run(`rmmod ${name} 2>&1 || :; dmesg -C; ${trigger}`);
      expect(await machine.run('dmesg')).toContain(said);
      expect(await machine.run("dmesg | grep -E 'BUG|Oops|fault' || :")).toBe('');
    },
    300_000,
  );

  test('a name out of a table that the kernel goes on to read stays where it is', async () => {
    const { staysLoadedFor } = await machine.build('klp_named', named);
    expect(staysLoadedFor).toEqual([expect.stringContaining('stores the address of what lockstep_names points at')]);
    await machine.load('klp_named');
    await machine.run('cat /proc/cmdline');
    expect(await machine.run('head -n 1 /proc/ioports')).toContain('lockstep even');
    await machine.disable('klp_named');
    expect(await machine.run('rmmod klp_named 2>&1 && echo gone || :')).not.toContain('gone');
    // What took the place of a module that is gone would show here.
    await machine.run('for i in $(seq 50); do cat /proc/kallsyms; done >/dev/null');
    expect(await machine.run('head -n 1 /proc/ioports')).toContain('lockstep even');
    expect(await machine.run("dmesg | grep -E 'BUG|Oops|fault' || :")).toBe('');
  }, 300_000);

  test('a type that grows under objects that live on is refused with the member and the way out', async () => {
    const grown = await machine
      .build('klp_grown', [
        ['fs/eventfd.c', 'struct eventfd_ctx {', '\tint id;\n};', '\tint id;\n\tu64 writes;\n};'],
        [
          'fs/eventfd.c',
          '',
          '\tspin_lock_irq(&ctx->wqh.lock);\n\tres = -EAGAIN;',
          '\tspin_lock_irq(&ctx->wqh.lock);\n\tctx->writes++;\n\tres = -EAGAIN;',
        ],
      ])
      .catch((error: unknown) => error);
    expect(grown).toBeInstanceOf(LockstepError);
    expect(grown).toMatchObject({ reason: 'type-changed', fields: { type: 'struct eventfd_ctx', member: 'writes' } });
  });
});
