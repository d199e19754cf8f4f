// SPDX-License-Identifier: GPL-2.0-only
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseModuleName, type ModuleName } from '@lockstep/domain/livepatch-model';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { startDevFleet, type DevFleet } from '../dev-fleet';
import { eventually } from '../eventually';
import { exampleDiff } from '../example-patches';
import { auditedLog, kernelFaults } from '../fleet-audit';
import type { FleetNode } from '../fleet-node';
import { runLockstep, type CommandResult } from '../lockstep-command';

/** The mission's own example, as an operator does it: every step through the real command, in this order. */
let fleet: DevFleet;

beforeAll(async () => {
  // The agent of n2 is two processes: it takes part in whatever the others do.
  fleet = await startDevFleet({ nodes: 3, queue: 'postgres', withLoaders: ['n2'] });
  writeFileSync(file('a.patch'), exampleDiff(fleet.release, ['a', 'b', 'c'], '1'));
  writeFileSync(file('b.patch'), exampleDiff(fleet.release, ['a', 'd'], '2'));
}, kernelTestSetupMs);

afterAll(() => fleet.stop());

const file = (name: string): string => path.join(fleet.folder, name);
const lockstep = (...args: string[]): Promise<CommandResult> => runLockstep(fleet.server.stateDir, args);

/** The document of a command that went well. */
async function ask(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await lockstep(...args, '--json');
  expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, '']);
  return JSON.parse(stdout) as unknown;
}

/** Which patches each kernel holds: `a<b` for module names like lockstep_a_1234. */
async function stacks(): Promise<string[]> {
  const short = (module: ModuleName): string => module.replace(/^lockstep_(.*)_[0-9a-f]{8}$/, '$1');
  return Promise.all(fleet.nodes.map(async (node) => (await node.holds()).map(short).join('<')));
}

const [first, second, third] = [0, 1, 2] as const;
const nodeAt = (index: number): FleetNode => {
  const node = fleet.nodes[index];
  if (node === undefined) throw new Error(`no node ${index}`);
  return node;
};

const rollOut = (...options: string[]): Promise<unknown> =>
  ask('rollout', 'start', '--cluster', 'dev', '--wait', ...options);

describe('the main job', () => {
  it('builds two patches for the registered kernel', async () => {
    const submitted = await ask('patch', 'submit', file('a.patch'), '--cve', 'CVE-2026-1234', '--wait');
    const fn = (name: string) => ({ object: 'vmlinux', name, sympos: expect.any(Number) });
    expect(submitted).toMatchObject({
      patch: { name: 'a', cves: ['CVE-2026-1234'] },
      builds: [
        {
          status: 'succeeded',
          attempts: 1,
          artifact: { kernelBuildId: fleet.kernelBuild, moduleName: expect.stringMatching(/^lockstep_a_[0-9a-f]{8}$/) },
        },
      ],
    });
    const { builds } = submitted as { builds: [{ artifact: { functions: unknown[] } }] };
    expect(builds[0].artifact.functions).toHaveLength(3);
    expect(builds[0].artifact.functions).toEqual(
      expect.arrayContaining(['meminfo_proc_show', 'cmdline_proc_show', 'version_proc_show'].map(fn)),
    );
    await ask('patch', 'submit', file('b.patch'), '--wait');
  });

  it('submitting the same again answers with what is there', async () => {
    const again = await ask('patch', 'submit', file('a.patch'), '--cve', 'CVE-2026-1234', '--wait');
    expect(again).toMatchObject({ builds: [{ status: 'succeeded', attempts: 1 }] });
    expect(await ask('build', 'ls')).toMatchObject({ builds: [expect.anything(), expect.anything()] });
  });

  it('rolls A out, the canary first', async () => {
    expect(await ask('order', 'append', 'a', '--cluster', 'dev')).toMatchObject({ entry: { seq: 1 } });
    const { stdout, code } = await lockstep('rollout', 'start', '--cluster', 'dev', '--wait');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /n2 \(wave 1\): at 0, waiting-for-canary: Waits for the canaries: n1\.[^]*n1 \(canary\): at 1, there/,
    );
    expect(stdout).toMatch(/to position 1: succeeded, 3\/3 nodes there/);
    expect(await stacks()).toEqual(['a', 'a', 'a']);
  });

  it('refuses B before anything ships, naming the function and its owner', async () => {
    const { code, stderr, stdout } = await lockstep('order', 'append', 'b', '--cluster', 'dev');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^error: Conflict: vmlinux:meminfo_proc_show is owned by a \(#1\)\..*--override a/);
    const check = await lockstep('conflicts', 'b', '--cluster', 'dev');
    expect(check.code).toBe(1);
    expect(check.stdout).toMatch(/torn: a \(#1\) would lose vmlinux:meminfo_proc_show and still run /);
    expect(await auditedLog(fleet)).toHaveLength(1);
  });

  it('rolls B out with the override, while one node is off and one restarts', async () => {
    const { stdout, code } = await lockstep('order', 'append', 'b', '--override', 'a', '--cluster', 'dev');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /conflict: vmlinux:meminfo_proc_show is owned by a \(#1\)\ntorn: a [^]*Appended: #2 loads b, overrides #1/,
    );
    await nodeAt(third).shutDown();
    const rollout = rollOut();
    await eventually('n2 holds both', async () => ((await stacks())[second] === 'a<b' ? true : undefined), {
      withinMs: 100_000,
    });
    await nodeAt(second).reboot();
    nodeAt(third).agent.start();
    expect(await rollout).toMatchObject({ status: 'succeeded', toSeq: 2 });
    // What n2 had reported counts until it says that it has booted: it may still be loading what it held.
    await eventually(
      'all hold both',
      async () => ((await stacks()).every((stack) => stack === 'a<b') ? true : undefined),
      { withinMs: 100_000 },
    );
  });

  it('restores a rebooted node from its own log, without a server', async () => {
    await fleet.server.process.kill();
    await nodeAt(first).reboot();
    await eventually('n1 has its stack', async () => ((await stacks())[first] === 'a<b' ? true : undefined), {
      withinMs: 100_000,
    });
    const { code, stderr } = await lockstep('cluster', 'create', 'other');
    expect([code, stderr]).toEqual([3, expect.stringMatching(/^error: the control plane at .* does not answer/)]);
    await fleet.server.start();
    await fleet.settled();
  });

  it('never touches a foreign livepatch, says so, and goes on when it is gone', async () => {
    const foreign = parseModuleName('by_hand');
    await nodeAt(third).kernel.loadByHand({
      module: foreign,
      functions: [{ object: 'vmlinux', name: 'f', sympos: 1 }],
    });
    await eventually(
      'n3 is diverged',
      async () => ((await lockstep('node', 'show', 'n3')).stdout.includes('foreign-livepatch') ? true : undefined),
      { withinMs: 60_000, everyMs: 500 },
    );
    expect(await ask('node', 'show', 'n3')).toMatchObject({ report: { status: 'diverged', position: 2 } });
    await ask('order', 'retire', '1', '--cluster', 'dev');
    const rollout = rollOut();
    await eventually('the others have moved', async () => ((await stacks())[second] === 'b' ? true : undefined), {
      withinMs: 100_000,
    });
    expect(await stacks()).toEqual(['b', 'b', 'a<b<by_hand']);
    await nodeAt(third).kernel.unload(foreign);
    expect(await rollout).toMatchObject({ status: 'succeeded', toSeq: 3 });
    expect(await kernelFaults(fleet, await auditedLog(fleet))).toEqual([]);
  });

  it('brings a node that joins later to the same position', async () => {
    const late = await fleet.addNode('n4');
    late.agent.start();
    await eventually('n4 is there', async () => ((await late.holds()).length === 1 ? true : undefined), {
      withinMs: 100_000,
    });
    expect(await ask('node', 'ls', '--cluster', 'dev')).toMatchObject({
      nodes: [1, 2, 3, 4].map((number) => ({
        name: `n${number}`,
        connected: true,
        report: { status: 'in-step', position: 3, target: 3 },
      })),
    });
  });

  it('refuses a rollout to where nodes have been past', async () => {
    const { code, stderr } = await lockstep('rollout', 'start', '--cluster', 'dev', '--to', '2');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/positions only grow/)]);
  });
});
