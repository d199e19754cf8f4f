// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BuiltLivepatch } from '@lockstep/io/kernel-builder';
import { kernelTestSetupMs, testKernelFlavour } from '@lockstep/testing/qemu-machine';
import type { Edit } from '../index';
import { PatchableMachine } from '../patchable-machine';

const includes = `#include <linux/seq_file.h>
#include <linux/livepatch.h>
#include <linux/percpu.h>

#define lockstep_callback(kind, function) \\
	static typeof(function) *lockstep_##kind __used __section(".lockstep.callbacks." #kind) = function

DECLARE_PER_CPU(unsigned long, lockstep_listed);
extern atomic_long_t lockstep_execs;
extern unsigned long lockstep_made;

static int lockstep_before(struct klp_object *object)
{
	pr_info("lockstep before\\n");
	return 0;
}
lockstep_callback(pre_patch, lockstep_before);

static void lockstep_afterwards(struct klp_object *object)
{
	klp_shadow_free_all(0x10c, NULL);
	pr_info("lockstep afterwards\\n");
}
lockstep_callback(post_unpatch, lockstep_afterwards);
`;

const shown = `{
	unsigned long listed = 0, *shown, flags;
	int cpu;

	local_irq_save(flags);
	for_each_possible_cpu(cpu)
		listed += per_cpu(lockstep_listed, cpu);
	local_irq_restore(flags);
	shown = klp_shadow_get_or_alloc(&saved_command_line, 0x10c, sizeof(*shown), GFP_KERNEL, NULL, NULL);
	if (shown)
		WARN_ONCE(++*shown == 2, "lockstep shown twice");
	pr_debug("lockstep showed the command line\\n");
	seq_printf(m, "listed %lu execs %ld made %lu shown %lu\\n", listed, atomic_long_read(&lockstep_execs),
		   lockstep_made, shown ? *shown : 0);
`;

const listed = 'struct getdents_callback64 {';
/*
 * New per-CPU data, globals and a shadow variable; exception and alternative entries (user access), paravirt sites
 * (interrupts off), a tracepoint with its static call, per-CPU data of the kernel, a once-flag, a debug message,
 * callbacks; from four objects.
 */
const edits: readonly Edit[] = [
  ['fs/readdir.c', '', listed, `DEFINE_PER_CPU(unsigned long, lockstep_listed);\n\n${listed}`],
  [
    'fs/readdir.c',
    'filldir64(struct',
    'user_write_access_end();\n',
    'user_write_access_end();\n\tthis_cpu_inc(lockstep_listed);\n',
  ],
  ['fs/exec.c', '', 'static int exec_binprm(', 'atomic_long_t lockstep_execs;\n\nstatic int exec_binprm('],
  [
    'fs/exec.c',
    'exec_binprm(',
    '\ttrace_sched_process_exec(',
    '\tatomic_long_inc(&lockstep_execs);\n\ttrace_sched_process_exec(',
  ],
  ['fs/inode.c', '', 'int inode_init_always(', 'unsigned long lockstep_made;\n\nint inode_init_always('],
  ['fs/inode.c', '', '\tthis_cpu_inc(nr_inodes);', '\tlockstep_made++;\n\tthis_cpu_inc(nr_inodes);'],
  ['fs/proc/cmdline.c', '', '#include <linux/seq_file.h>\n', includes],
  ['fs/proc/cmdline.c', 'static int cmdline_proc_show(', '{\n', shown],
];

let machine: PatchableMachine;
let patch: BuiltLivepatch;

const counters = async (): Promise<number[]> => {
  const line = (await machine.run('cat /proc/cmdline')).split('\n')[0] ?? '';
  return (/^listed (\d+) execs (\d+) made (\d+) shown (\d+)$/.exec(line) ?? []).slice(1).map(Number);
};

describe('the shapes that kernel code has, in one patch of a running kernel', () => {
  beforeAll(async () => {
    machine = await PatchableMachine.start({ name: 'code-shapes', flavour: testKernelFlavour() });
    patch = await machine.build('klp_shapes', edits);
    await machine.run('mkdir -p /sys/kernel/tracing; mount -t tracefs none /sys/kernel/tracing');
  }, kernelTestSetupMs);

  afterAll(() => machine[Symbol.asyncDispose]());

  test('it changes what was edited, and nothing that only moved', () => {
    const names = patch.functions.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['cmdline_proc_show', 'filldir64', 'inode_init_always']));
    // The rest is where the compiler put exec_binprm.
    expect(names).toHaveLength(4);
  });

  test('loaded, its callback has run and its counters count', async () => {
    const log = await machine.load('klp_shapes');
    expect(log).toContain('lockstep before');
    await machine.run('ls /usr/bin >/dev/null; mkdir -p /tmp/made; cd /tmp/made; touch 1 2 3 4 5 6 7 8');
    const [listed = 0, execs = 0, made = 0, shown = 0] = await counters();
    expect(listed).toBeGreaterThan(100);
    expect(execs).toBeGreaterThan(2);
    expect(made).toBeGreaterThan(7);
    expect(shown).toBe(1);
  }, 300_000);

  test('a bad user address is an error in the patched copy too', async () => {
    // getdents64 into an address that is not there: the exception table of the module has the way out.
    const script = 'sysopen(my $dir, "/", 0); print syscall(217, fileno($dir), 16, 4096), " ", $! + 0';
    expect(await machine.run(`perl -e '${script}'`)).toBe('-1 14');
  });

  test('per-CPU data of the kernel is the kernel’s', async () => {
    const inodes = async () => Number((await machine.run('cat /proc/sys/fs/inode-nr')).split('\t')[0]);
    const before = await inodes();
    await machine.run('cd /tmp/made; touch $(seq 100 299)');
    expect((await inodes()) - before).toBeGreaterThanOrEqual(200);
  });

  test('a tracepoint in patched code can be switched on', async () => {
    const trace = await machine.run(
      `cd /sys/kernel/tracing; echo 1 >events/sched/sched_process_exec/enable; echo >trace; /bin/true
       echo 0 >events/sched/sched_process_exec/enable; cat trace`,
    );
    expect(trace).toMatch(/sched_process_exec: filename=\/bin\/true/);
  });

  test('a new debug message can be switched on, a new warning warns once', async () => {
    const log = await machine.run(
      `grep -c lockstep.showed /sys/kernel/debug/dynamic_debug/control
       dmesg -C; cat /proc/cmdline >/dev/null; echo 'file cmdline.c +p' >/sys/kernel/debug/dynamic_debug/control
       cat /proc/cmdline /proc/cmdline >/dev/null; dmesg`,
    );
    expect(log).toMatch(/^1\n/);
    expect(log.match(/lockstep showed the command line/g)).toHaveLength(2);
    expect(log.match(/WARNING: .* at fs\/proc\/cmdline\.c:\d+ cmdline_proc_show/g)).toHaveLength(1);
  });

  test('unloaded, its last callback has run and the kernel is as before', async () => {
    const log = await machine.run(
      `dmesg -C; echo 0 >/sys/kernel/livepatch/klp_shapes/enabled
       while [ -e /sys/kernel/livepatch/klp_shapes ]; do sleep 0.1; done; rmmod klp_shapes; dmesg`,
    );
    expect(log).toContain('lockstep afterwards');
    expect(await machine.run('cat /proc/cmdline')).not.toContain('listed');
  }, 300_000);
});
