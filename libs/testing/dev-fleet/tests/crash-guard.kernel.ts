// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import { diffOfEdits, type Edit } from '@lockstep/testing/object-fixtures';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { eventually } from '../eventually';
import { exampleDiff } from '../example-patches';
import { MachineNode, type ShownNode } from '../machine-node';

// One node that is a real kernel, its agent's state on a disk that survives, and patches that take the kernel down: what
// the agent does at each boot. It boots once into a panic, not twice.

jest.setTimeout(30 * 60_000);

/** A boot takes 20 s: `npm test` has those that differ most, `npm run test:boots` all. */
const hasAll = process.env['LOCKSTEP_ALL_BOOTS'] !== undefined;

/** The machine is emulated, and may get a tenth of a processor on a busy host. */
const patienceMs = 300_000;

let node: MachineNode;

const panic = (name: string): string => `panic("lockstep: ${name}");`;

/** A patch that panics where a function of the kernel is called: before this statement of it. */
const inFunction = (name: string, file: string, before: string): Edit => [
  ...([file, '', before] as const),
  `\t${panic(name)}\n${before}`,
];

/** A patch of what /proc/loadavg shows that panics in a callback of its own. */
const inCallback = (name: string, kind: 'pre_patch' | 'post_patch'): readonly Edit[] => {
  const include = '#include <linux/fs.h>\n';
  const [result, value] = kind === 'pre_patch' ? ['int', ' 0'] : ['void', ''];
  const callback = `#include <linux/livepatch.h>
static ${result} lockstep_callback(struct klp_object *object)
{
	${panic(name)}
	return${value};
}
static typeof(lockstep_callback) *lockstep_pointer __used __section(".lockstep.callbacks.${kind}") = lockstep_callback;
`;
  const body = 'static int loadavg_proc_show(';
  return [
    ['fs/proc/loadavg.c', '', include, `${include}${callback}`],
    ['fs/proc/loadavg.c', body, '{\n', '{\n\tseq_puts(m, "lockstep\\n");\n'],
  ];
};

const whenRead =
  '\tif (!(file->f_mode & FMODE_READ))\n\t\treturn -EBADF;\n\tif (!(file->f_mode & FMODE_CAN_READ))\n\t\treturn -EINVAL;\n\tif (unlikely(!access_ok(buf, count)))\n';
const deadly: Readonly<Record<string, readonly Edit[]>> = {
  'when-read': [inFunction('when-read', 'fs/proc/meminfo.c', '\tsi_meminfo(&i);\n')],
  'at-once': [inFunction('at-once', 'fs/read_write.c', whenRead)],
  'before-it': inCallback('before-it', 'pre_patch'),
  'after-it': inCallback('after-it', 'post_patch'),
};

beforeAll(async () => {
  node = await MachineNode.start(parseNodeName('fragile'));
  const { fleet, folder, treeDir } = node;
  const diffs = { harmless: exampleDiff(fleet.release, ['c'], '1') };
  for (const [name, edits] of Object.entries(deadly))
    Object.assign(diffs, { [name]: await diffOfEdits(treeDir, edits) });
  for (const [name, diff] of Object.entries(diffs)) {
    const file = path.join(folder, `${name}.patch`);
    writeFileSync(file, diff);
    await node.ask('patch', 'submit', file, '--wait');
  }
  await reported('in-step', 0);
}, kernelTestSetupMs);

afterAll(() => node[Symbol.asyncDispose]());

interface Shown extends ShownNode {
  readonly lastSeenAt: string;
  readonly report: {
    readonly status: string;
    readonly position: number;
    readonly target: number;
    readonly quarantine: {
      readonly seq: number;
      readonly crashedBootId: string;
      readonly foundBootId: string;
      readonly evidence: string;
      readonly released: boolean;
    } | null;
  } | null;
}
type Report = NonNullable<Shown['report']>;

/** The node's own word, said in the boot that the machine is in. */
async function reported(status: string, target: number): Promise<Report> {
  const bootId = await node.machine.waitReady(patienceMs);
  const upAtMs = Date.now();
  const { report } = await node.shown<Shown>(
    `${status} with target ${target} in boot ${bootId}`,
    ({ lastSeenAt, report: said }) =>
      Date.parse(lastSeenAt) > upAtMs && said?.status === status && said.target === target,
  );
  return report as Report;
}

const held = async (): Promise<string> => {
  const modules = await node.machine.run('ls /sys/kernel/livepatch | grep ^lockstep_ || true');
  return modules.replaceAll(/lockstep_([a-z_]+?)_[0-9a-f]+/g, '$1').trim();
};
async function append(patch: string): Promise<number> {
  const { entry } = (await node.ask('order', 'append', patch, '--cluster', 'dev')) as { entry: { seq: number } };
  return entry.seq;
}
const retire = (seq: number): Promise<unknown> => node.ask('order', 'retire', String(seq), '--cluster', 'dev');
const release = (): Promise<unknown> => node.ask('node', 'release', node.name);
/** Nothing answers what takes the machine down. */
const endsIt = (command: string): Promise<unknown> => node.machine.exec(command, patienceMs).catch(() => undefined);

const panics = (): number =>
  readFileSync(node.machine.consoleLog, 'latin1').split('Kernel panic - not syncing: lockstep').length - 1;

/** Not in step, because of this entry: what the agent found, and how it went on. */
async function expectQuarantine(seq: number, crashedBoot: string): Promise<void> {
  const { quarantine } = await reported('quarantined', seq);
  const foundBootId = node.machine.bootId;
  expect(foundBootId).not.toBe(crashedBoot);
  expect(quarantine).toEqual({
    ...{ seq, crashedBootId: crashedBoot, foundBootId },
    ...{ evidence: 'no-clean-shutdown', released: false },
  });
  expect(await held()).toBe('');
}

it('a function that panics when it is read: the next boot loads nothing, and goes on when the entry is retired', async () => {
  const seq = await append('when-read');
  const before = panics();
  expect((await node.rollOut()).code).toBe(0);
  const crashed = await node.machine.waitReady();
  expect(await held()).toBe('when_read');
  await endsIt('cat /proc/meminfo');
  await expectQuarantine(seq, crashed);
  expect(panics()).toBe(before + 1);
  expect(await node.machine.run('grep -c MemTotal /proc/meminfo')).toBe('1\n');
  await retire(seq);
  expect((await node.rollOut()).code).toBe(0);
  await reported('in-step', seq + 1);
});

const whileLoading = [
  ['a function that the load itself calls', 'at-once'],
  ['a callback after the switch', 'after-it'],
];
const others = [['a callback before the switch', 'before-it']];

it.each([...whileLoading, ...(hasAll ? others : [])])(
  '%s panics while it is loaded: once, and the rollout halts at the node that came back',
  async (_, patch = '') => {
    const seq = await append(patch);
    const before = panics();
    const crashed = await node.machine.waitReady();
    const { code, stdout } = await node.rollOut();
    expect([code, JSON.parse(stdout)]).toMatchObject([
      5,
      { status: 'halted', nodes: [{ node: node.name, position: seq - 1, notYet: { reason: 'quarantined' } }] },
    ]);
    await expectQuarantine(seq, crashed);
    expect(panics()).toBe(before + 1);
    // Nor does a boot after an ordinary shutdown load it.
    await node.sayShutdown();
    await endsIt('reboot -f || echo b > /proc/sysrq-trigger');
    const { quarantine } = await reported('quarantined', seq);
    expect([await held(), quarantine?.crashedBootId, panics()]).toEqual(['', crashed, before + 1]);
    await retire(seq);
    expect((await node.rollOut()).code).toBe(0);
  },
);

it('what leaves no word within the stable time counts as a crash; an operator’s word loads it again', async () => {
  const seq = await append('harmless');
  expect((await node.rollOut()).code).toBe(0);
  const powerCut = async (): Promise<void> => {
    await node.machine.powerOff();
    await node.machine.start();
  };
  // systemd's reboot asks nobody where systemd is not what the machine was started with.
  const ends = { 'reboot -f': () => endsIt('reboot -f || echo b > /proc/sysrq-trigger'), 'power cut': powerCut };
  const otherEnds = {
    'poweroff -f': async () => {
      await endsIt('poweroff -f || echo o > /proc/sysrq-trigger');
      await eventually('the machine is off', () => (node.machine.isRunning ? undefined : true), {
        withinMs: patienceMs,
      });
      await node.machine.start();
    },
    'sysrq-b': () => endsIt('echo b > /proc/sysrq-trigger'),
    'reset button': () => node.machine.reset(),
  };
  for (const end of Object.values(hasAll ? { ...ends, ...otherEnds } : ends)) {
    const ended = await node.machine.waitReady();
    await end();
    await expectQuarantine(seq, ended);
    await release();
    expect((await reported('in-step', seq)).quarantine).toMatchObject({ seq, crashedBootId: ended, released: true });
    expect(await held()).toBe('harmless');
  }
});

it('an ordinary shutdown within the stable time does not: the stack is there again at once', async () => {
  const before = await node.machine.waitReady();
  const { target } = (await node.shown<Shown>('a report', ({ report }) => report !== null)).report as Report;
  await node.sayShutdown();
  await endsIt('reboot -f || echo b > /proc/sysrq-trigger');
  expect(await node.machine.waitReady(patienceMs)).not.toBe(before);
  await eventually('the stack', async () => ((await held()) === 'harmless' ? true : undefined), {
    withinMs: patienceMs,
    everyMs: 500,
  });
  const { quarantine } = await reported('in-step', target);
  expect(quarantine).toMatchObject({ seq: target, released: true });
});
