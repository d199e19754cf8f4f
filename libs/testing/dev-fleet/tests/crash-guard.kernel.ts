// SPDX-License-Identifier: GPL-2.0-only
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { buildLockstepKernel, hostAddressInGuest, QemuMachine } from '@lockstep/testing/qemu-machine';
import { startDevFleet, type DevFleet } from '../dev-fleet';
import { eventually } from '../eventually';
import { exampleDiff } from '../example-patches';
import { bundle, repositoryRoot } from '../fleet-kernel';
import { runLockstep, type CommandResult } from '../lockstep-command';

// One node that is a real kernel, its agent's state on a disk that survives, and patches that take the kernel down: what
// the agent does at each boot. It boots once into a panic, not twice.

jest.setTimeout(30 * 60_000);

/** The machine is emulated, and may get a tenth of a processor on a busy host. */
const patienceMs = 300_000;
const node = 'fragile';

let fleet: DevFleet;
let machine: QemuMachine;
const endings: (() => PromiseLike<unknown>)[] = [];
let folder: string;

/** Makes a patch that panics in a function of the kernel: `before` is the statement of it that the panic goes before. */
function writePanic(treeDir: string, name: string, file: string, before: string): void {
  const text = readFileSync(path.join(treeDir, file), 'utf8');
  if (text.split(before).length !== 2) throw new Error(`${file} does not hold it once: ${before}`);
  const patched = text.replace(before, `\tpanic("lockstep: ${name}");\n${before}`);
  for (const [side, content] of [
    ['a', text],
    ['b', patched],
  ] as const) {
    mkdirSync(path.join(folder, side, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, side, file), content);
  }
  const { stdout } = spawnSync('diff', ['-u', `a/${file}`, `b/${file}`], { cwd: folder, encoding: 'utf8' });
  writeFileSync(path.join(folder, `${name}.patch`), stdout);
}

async function startNode(imageFile: string): Promise<void> {
  const { address, agentAddress } = fleet.server;
  const portOf = (text: string): number => Number(text.split(':')[1]);
  const { joinToken } = await fleet.operator.fleet.createJoinToken({ cluster: fleet.cluster, node, ttlSeconds: 0 });
  const service = [
    `export LOCKSTEP_AGENT_SERVER=${hostAddressInGuest}:${portOf(address)} LOCKSTEP_AGENT_JOIN_TOKEN='${joinToken}'`,
    'export LOCKSTEP_AGENT_STATE_DIR=/var/lib/lockstep/agent',
    `exec '${process.execPath}' '${bundle('node-agent')}'`,
  ];
  machine = await QemuMachine.create({
    name: node,
    kernelImage: imageFile,
    initFile: path.join(repositoryRoot, 'kernel-livepatch/qemu/init'),
    dir: path.join(folder, 'machine'),
    service: `${service.join('\n')}\n`,
    hostPorts: [portOf(address), portOf(agentAddress)],
  });
  endings.push(() => machine[Symbol.asyncDispose]());
  await machine.start();
  await machine.waitReady();
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-crash-guard-'));
  const source = process.env['LOCKSTEP_KERNEL_SRC'];
  const { imageFile, treeDir } = await buildLockstepKernel({ root: repositoryRoot, source });
  fleet = await startDevFleet({ nodes: 0, queue: 'postgres' });
  endings.push(() => fleet.stop());
  writePanic(treeDir, 'when-read', 'fs/proc/meminfo.c', '\tsi_meminfo(&i);\n');
  writePanic(
    treeDir,
    'at-once',
    'fs/read_write.c',
    '\tif (!(file->f_mode & FMODE_READ))\n\t\treturn -EBADF;\n\tif (!(file->f_mode & FMODE_CAN_READ))\n\t\treturn -EINVAL;\n\tif (unlikely(!access_ok(buf, count)))\n',
  );
  writeFileSync(path.join(folder, 'harmless.patch'), exampleDiff(fleet.release, ['c'], '1'));
  await startNode(imageFile);
  for (const patch of ['when-read', 'at-once', 'harmless']) {
    await ask('patch', 'submit', path.join(folder, `${patch}.patch`), '--wait');
  }
  await reported('in-step', 0);
}, 45 * 60_000);

afterAll(async () => {
  for (const end of endings.reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const lockstep = (...args: string[]): Promise<CommandResult> => runLockstep(fleet.server.stateDir, args);

async function ask(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await lockstep(...args, '--json');
  expect([args.join(' '), code, stderr, code === 0 ? '' : stdout]).toEqual([args.join(' '), 0, '', '']);
  return JSON.parse(stdout) as unknown;
}

interface Report {
  readonly status: string;
  readonly target: number;
  readonly quarantine: {
    readonly seq: number;
    readonly crashedBootId: string;
    readonly foundBootId: string;
    readonly evidence: string;
    readonly released: boolean;
  } | null;
}

interface Shown {
  readonly connected: boolean;
  readonly report: Report | null;
}

/** The node's own word, said in the boot that the machine is in. */
async function reported(status: string, target: number): Promise<Report> {
  const bootId = await machine.waitReady(patienceMs);
  return eventually(
    `${status} with target ${target} in boot ${bootId}`,
    async () => {
      const { connected, report } = (await ask('node', 'show', node)) as Shown;
      if (!connected || report?.status !== status || report.target !== target) return undefined;
      const isOfEarlierBoot = status === 'quarantined' && report.quarantine?.foundBootId !== bootId;
      return isOfEarlierBoot ? undefined : report;
    },
    { withinMs: patienceMs, everyMs: 500 },
  );
}

const held = async (): Promise<string> => {
  const modules = await machine.run('ls /sys/kernel/livepatch | grep ^lockstep_ || true');
  return modules.replaceAll(/lockstep_([a-z_]+?)_[0-9a-f]+/g, '$1').trim();
};
const rollOut = (): Promise<CommandResult> => lockstep('rollout', 'start', '--cluster', 'dev', '--wait', '--json');
const append = (patch: string): Promise<unknown> => ask('order', 'append', patch, '--cluster', 'dev');
const retire = (seq: number): Promise<unknown> => ask('order', 'retire', String(seq), '--cluster', 'dev');
/** Nothing answers what takes the machine down. */
const endsIt = (command: string): Promise<unknown> => machine.exec(command, patienceMs).catch(() => undefined);

const panics = (): number =>
  readFileSync(machine.consoleLog, 'latin1').split('Kernel panic - not syncing: lockstep').length - 1;

/** Not in step, because of this entry: what the agent found, and how it went on. */
async function expectQuarantine(seq: number, crashedBoot: string, target: number, holds: string): Promise<void> {
  const { quarantine } = await reported('quarantined', target);
  const foundBootId = machine.bootId;
  expect(foundBootId).not.toBe(crashedBoot);
  expect(quarantine).toEqual({
    ...{ seq, crashedBootId: crashedBoot, foundBootId },
    ...{ evidence: 'no-clean-shutdown', released: false },
  });
  expect(await held()).toBe(holds);
}

it('a function that panics when it is read: the next boot loads nothing, and goes on when the entry is retired', async () => {
  await append('when-read');
  expect((await rollOut()).code).toBe(0);
  const crashed = await machine.waitReady();
  expect(await held()).toBe('when_read');
  await endsIt('cat /proc/meminfo');
  await expectQuarantine(1, crashed, 1, '');
  expect(panics()).toBe(1);
  expect(await machine.run('grep -c MemTotal /proc/meminfo')).toBe('1\n');
  await retire(1);
  expect((await rollOut()).code).toBe(0);
  await reported('in-step', 2);
});

it('a panic while it is loaded: the rollout halts at the node that came back', async () => {
  await append('at-once');
  const crashed = await machine.waitReady();
  const { code, stdout } = await rollOut();
  expect([code, JSON.parse(stdout)]).toMatchObject([
    1,
    { status: 'halted', nodes: [{ node, position: 2, notYet: { reason: 'quarantined' } }] },
  ]);
  await expectQuarantine(3, crashed, 3, '');
  expect(panics()).toBe(2);
  await retire(3);
  expect((await rollOut()).code).toBe(0);
});

it('reboot -f and a power cut within the stable time count as crashes; an operator’s word loads it again', async () => {
  await append('harmless');
  expect((await rollOut()).code).toBe(0);
  const forced = await machine.waitReady();
  await endsIt('echo b > /proc/sysrq-trigger');
  await expectQuarantine(5, forced, 5, '');
  await ask('node', 'release', node);
  expect((await reported('in-step', 5)).quarantine).toMatchObject({ seq: 5, crashedBootId: forced, released: true });
  expect(await held()).toBe('harmless');
  const cut = await machine.waitReady();
  await machine.powerOff();
  await machine.start();
  await expectQuarantine(5, cut, 5, '');
  await ask('node', 'release', node);
  await reported('in-step', 5);
});

it('an ordinary shutdown within the stable time does not: the stack is there again at once', async () => {
  const before = await machine.waitReady();
  const shutdown = `'${process.execPath}' '${bundle('node-agent')}' shutdown --state-dir /var/lib/lockstep/agent`;
  await machine.run(shutdown);
  await endsIt('echo b > /proc/sysrq-trigger');
  expect(await machine.waitReady(patienceMs)).not.toBe(before);
  await eventually('the stack', async () => ((await held()) === 'harmless' ? true : undefined), {
    withinMs: patienceMs,
    everyMs: 500,
  });
  const { quarantine } = await reported('in-step', 5);
  expect(quarantine).toMatchObject({ seq: 5, released: true });
  expect(panics()).toBe(2);
});
