// SPDX-License-Identifier: GPL-2.0-only
import { copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { Build } from '@lockstep/contracts/generated';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { eventually } from '../eventually';
import { exampleDiff, type Letter } from '../example-patches';
import { MachineNode } from '../machine-node';

// One node that is a real kernel with the patched core, and hands that change its livepatches without asking anybody.

jest.setTimeout(600_000);

/** The machine is emulated, and may get a tenth of a processor on a busy host. */
const patience = { withinMs: 300_000, everyMs: 500 };

let node: MachineNode;
/** Module of the patch that is rolled out, and of one that no entry loads. */
let ours = '';
let byHand = '';
let byHandFile = '';

/** @returns its module, and the file of that, which the machine sees where it is */
async function build(name: string, letter: Letter): Promise<{ readonly module: string; readonly file: string }> {
  const { fleet, folder } = node;
  const patch = path.join(folder, `${name}.patch`);
  writeFileSync(patch, exampleDiff(fleet.release, [letter], '1'));
  const answer = (await node.ask('patch', 'submit', patch, '--wait')) as { builds: Pick<Build, 'artifact'>[] };
  const { moduleName = '', sha256 = '' } = answer.builds[0]?.artifact ?? {};
  const file = path.join(folder, `${moduleName}.ko`);
  copyFileSync(path.join(fleet.server.stateDir, 'artifacts', sha256.slice(0, 2), `${sha256}.ko`), file);
  return { module: moduleName, file };
}

beforeAll(async () => {
  node = await MachineNode.start(parseNodeName('tampered'));
  ({ module: ours } = await build('ours', 'c'));
  ({ module: byHand, file: byHandFile } = await build('other', 'd'));
  await node.shown('the node is in step', ({ report }) => report?.status === 'in-step');
  await node.ask('order', 'append', 'ours', '--cluster', 'dev');
  expect((await node.rollOut()).code).toBe(0);
}, kernelTestSetupMs);

afterAll(() => node[Symbol.asyncDispose]());

/** The patched core has files of its own beside them. */
const held = async (): Promise<string[]> =>
  (await node.machine.run('ls /sys/kernel/livepatch')).split('\n').filter((name) => name.startsWith('lockstep_'));

interface Drift {
  readonly foreign: readonly string[];
  readonly missing: readonly string[];
}

async function drift(): Promise<Drift[]> {
  const { code, stdout } = await node.lockstep('drift', 'ls', '--json');
  const { nodes } = JSON.parse(stdout) as { nodes: Drift[] };
  expect(code).toBe(nodes.length === 0 ? 0 : 1);
  return nodes.map(({ foreign, missing }) => ({ foreign, missing }));
}

const drifts = (what: string, expected: readonly Drift[]): Promise<true> =>
  eventually(
    what,
    async () => (JSON.stringify(await drift()) === JSON.stringify(expected) ? true : undefined),
    patience,
  );

it('what somebody loaded by hand is shown with its name, and unloaded on command alone', async () => {
  await drifts('nothing has drifted', []);
  await node.machine.run(`insmod '${byHandFile}'`);
  expect(await held()).toEqual([ours, byHand].sort());
  await drifts('the foreign livepatch is told', [{ foreign: [byHand], missing: [] }]);
  const { stdout } = await node.lockstep('cluster', 'show', 'dev');
  expect(stdout).toContain(`${node.name} holds ${byHand}, which no entry loads`);
  expect(await held()).toContain(byHand);
  expect(await node.ask('drift', 'repair', node.name)).toEqual({ node: node.name, modules: [byHand] });
  await drifts('it was repaired', []);
  expect(await held()).toEqual([ours]);
  await node.shown('the node is in step', ({ report }) => report?.status === 'in-step' && report.position === 1);
});

it('what somebody unloaded by hand is loaded again by itself, and nobody need repair it', async () => {
  const dir = `/sys/kernel/livepatch/${ours}`;
  await node.machine.run(
    `echo 0 > ${dir}/enabled; while [ "$(cat ${dir}/transition 2>/dev/null || echo 0)" = 1 ]; do sleep 0.1; done
     rmmod ${ours} || true`,
  );
  await eventually(
    'the kernel holds it again',
    async () =>
      (await node.machine.run(`cat ${dir}/enabled ${dir}/transition 2>/dev/null || true`)) === '1\n0\n'
        ? true
        : undefined,
    patience,
  );
  await drifts('nothing has drifted', []);
  expect((await node.machine.run('tail -1 /proc/version')).trim()).toBe('lockstep: c1');
});
