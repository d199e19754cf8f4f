// SPDX-License-Identifier: GPL-2.0-only
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { diffOfEdits, type Edit } from '@lockstep/testing/object-fixtures';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { startDevFleet, type DevFleet } from '../dev-fleet';
import { fleetKernelTree } from '../fleet-kernel';
import { runLockstep, type CommandResult } from '../lockstep-command';

// What a build knows of a module beside its functions, from the compiler to the operator: a timer that may fire when
// its livepatch is long disabled, and a type that grows by its author's word.

let fleet: DevFleet;

jest.setTimeout(180_000);

const timer: readonly Edit[] = [
  [
    'fs/proc/cmdline.c',
    '',
    '#include <linux/seq_file.h>\n',
    `#include <linux/seq_file.h>
#include <linux/timer.h>
static unsigned long lockstep_ticks;
static void lockstep_tick(struct timer_list *timer)
{
	lockstep_ticks++;
}
static DEFINE_TIMER(lockstep_timer, lockstep_tick);
`,
  ],
  [
    'fs/proc/cmdline.c',
    '',
    'static int cmdline_proc_show(struct seq_file *m, void *v)\n{\n',
    'static int cmdline_proc_show(struct seq_file *m, void *v)\n{\n\tmod_timer(&lockstep_timer, jiffies + HZ);\n',
  ],
];

const grown: readonly Edit[] = [
  ['fs/eventfd.c', 'struct eventfd_ctx {', '\tint id;\n};', '\tint id;\n\tint writes;\n};'],
  [
    'fs/eventfd.c',
    '',
    '\tspin_lock_irq(&ctx->wqh.lock);\n\tres = -EAGAIN;',
    '\tspin_lock_irq(&ctx->wqh.lock);\n\tctx->writes++;\n\tres = -EAGAIN;',
  ],
];

const version: readonly Edit[] = [
  [
    'fs/proc/version.c',
    '',
    '\tseq_printf(m, linux_proc_banner,',
    '\tseq_puts(m, "x ");\n\tseq_printf(m, linux_proc_banner,',
  ],
];

const file = (name: string): string => path.join(fleet.folder, name);
const lockstep = (...args: string[]): Promise<CommandResult> => runLockstep(fleet.server.stateDir, args);

/** What a command printed that went well. */
async function say(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await lockstep(...args);
  expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, '']);
  return stdout;
}

const order = (...args: string[]): Promise<string> => say('order', ...args, '--cluster', 'dev');
const rollOut = (...options: string[]): Promise<string> =>
  say('rollout', 'start', '--cluster', 'dev', '--wait', ...options);

beforeAll(async () => {
  const tree = await fleetKernelTree();
  fleet = await startDevFleet({ nodes: 2, queue: 'postgres' });
  for (const [name, edits] of Object.entries({ timer, grown, version })) {
    writeFileSync(file(`${name}.patch`), await diffOfEdits(tree, edits));
  }
}, kernelTestSetupMs);

afterAll(() => fleet.stop());

it('says of a build, a patch, an entry and a plan that the module will stay', async () => {
  const timerGoes = /stays-loaded: .*lockstep_timer/;
  await say('patch', 'submit', file('version.patch'), '--wait');
  await order('append', 'version');
  await say('patch', 'submit', file('timer.patch'), '--wait');
  expect(await say('patch', 'show', 'timer')).toMatch(/^Caveat: +stays-loaded: /m);
  expect(await order('append', 'timer')).toMatch(timerGoes);
  expect(await order('show')).toMatch(/^stays-loaded: timer \(#2\): .*lockstep_timer/m);
  expect(await rollOut()).toMatch(/^stays-loaded: timer \(#2\): .*lockstep_timer/m);
});

it('carries types that an author vouches for, with the word, into the entry and the plan', async () => {
  const refused = await lockstep('patch', 'submit', file('grown.patch'), '--wait');
  expect(refused.stdout + refused.stderr).toMatch(/struct eventfd_ctx/);
  const vouched = ['--allow-type-change', 'struct eventfd_ctx', '--because', 'it fits into the padding'];
  await say('patch', 'submit', file('grown.patch'), '--name', 'vouched', ...vouched, '--wait');
  expect(await say('patch', 'show', 'vouched')).toMatch(
    /^Caveat: +type-changed: .*eventfd_ctx.*it fits into the padding/m,
  );
  await order('append', 'vouched');
  expect(await rollOut()).toMatch(/^type-changed: vouched \(#3\): .*eventfd_ctx.*it fits into the padding/m);
  const { entries } = await fleet.operator.fleet.getOrder({ cluster: 'dev', kernelBuildId: '' });
  const third = entries[2]!;
  expect(third.version).toBe(3);
  const vouchedFor = expect.objectContaining({ kind: 'type-changed' }) as unknown;
  expect(third.body).toMatchObject({
    value: { artifact: { caveats: expect.arrayContaining([vouchedFor]) as unknown } },
  });
});

it('refuses to retire what lies below: what stays cannot be unloaded and loaded again', async () => {
  const { code, stderr } = await lockstep('order', 'retire', '1', '--cluster', 'dev');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^error: timer \(#2\) lies above it/)]);
});

it('retires without unloading, and every node says what it keeps and why', async () => {
  expect(await order('retire', '2')).toMatch(/Appended: #4 retires #2\.\nNothing is unloaded: [^]*lockstep_timer/);
  expect(await rollOut()).toMatch(/^kept: timer \(#2\): nothing is unloaded: .*lockstep_timer/m);
  for (const { name, kernel } of fleet.nodes) {
    const shown = await say('node', 'show', name);
    expect(shown).toMatch(/^Status: +in-step$/m);
    expect(shown).toMatch(/^Kept: +lockstep_timer_\w+, disabled, until the next boot: .*lockstep_timer/m);
    expect(await kernel.kept()).toEqual([expect.stringMatching(/^lockstep_timer_/)]);
  }
});

it('says that it cannot come again before a host boots, and it comes after that', async () => {
  const again = await order('append', 'timer');
  expect(again).toMatch(/^Appended: #5 loads timer/);
  const { stdout, code } = await lockstep('rollout', 'start', '--cluster', 'dev', '--wait');
  expect(stdout).toMatch(/^needs-boot: timer \(#5\): a host that has held #2 since it booted keeps that module/m);
  expect([code, stdout]).toEqual([5, expect.stringMatching(/halted/)]);
  const [first] = fleet.nodes;
  await first!.reboot();
  await expect(
    (async () => {
      while ((await first!.holds()).length < 3) await new Promise((resolve) => setTimeout(resolve, 100));
      return (await first!.holds()).at(-1);
    })(),
  ).resolves.toMatch(/^lockstep_timer_/);
  expect(await first!.kernel.kept()).toEqual([]);
});
