// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseKernelBuildId } from '@lockstep/domain/livepatch-model';
import { defaultCacheDirectory, keptBootImage, openKernelBuild } from '@lockstep/io/kernel-builder';
import { chooseAccelerator, makeStockRamDisk } from '@lockstep/testing/qemu-machine';
import { ProgressLine } from '../progress/progress-line';
import { cluster, expectRefusal, isAt, nodeNames, rollOut, waitForNodes } from './cluster';
import { startMachines, type DemoMachine, type MachinePlan } from './machines';
import { describeManifest, Operator, type Manifest } from './operator';
import { startServices, type ControlPlane } from './services';
import {
  askShortRead,
  hasPatchedModule,
  lastShortRead,
  loadPatchedModule,
  patchedModule,
  startReading,
} from './short-reads';
import type { DemoStage, Stage, StoryEnd } from './stage';
import { judgeStock, stockTable, type StockEvidence } from './stock-proof';

export interface StockKernelChoice {
  /** `uname -r` of one of Debian's. */
  readonly release: string;
  /** Folder of its unpacked packages; fetched through apt if undefined. */
  readonly packages: string | undefined;
}

/** The agent, Node.js and what it runs are in memory, and unpacked there. */
const memoryMb = 640;

/** What needs the control plane alone, while the kernel is still being registered. */
async function planMachines(operator: Operator): Promise<MachinePlan[]> {
  await operator.createCluster(cluster);
  return Promise.all(nodeNames.map(async (node) => ({ node, joinToken: await operator.joinToken(cluster, node) })));
}

async function bootMachines(
  { root, workDir, cleanup, signal }: Stage,
  kernelBuildId: string,
  controlPlane: ControlPlane,
  planning: Promise<MachinePlan[]>,
): Promise<DemoMachine[]> {
  const { treeDir } = await openKernelBuild(defaultCacheDirectory(), parseKernelBuildId(kernelBuildId));
  const kernelImage = keptBootImage(treeDir);
  const ramDisk = path.join(workDir, 'ram-disk');
  const hostFiles = [path.join(root, 'dist/node-agent.js')];
  const [plans] = await Promise.all([
    planning,
    makeStockRamDisk({ treeDir, root, laterModules: [patchedModule], hostFiles, file: ramDisk }),
    chooseAccelerator(kernelImage),
  ]);
  const system = { kernelImage, ramDisk, memoryMb };
  return startMachines({ root, workDir, system, controlPlane, cleanup, signal }, plans);
}

/** node-1 will load the module later, a program on node-2 uses it all the time, node-3 has it and nobody uses it. */
async function useModule([, second, third]: readonly DemoMachine[]): Promise<string> {
  if (second === undefined || third === undefined) throw new Error('the demo needs three machines');
  await Promise.all([second, third].map(async ({ machine }) => loadPatchedModule(machine)));
  await startReading(second.machine);
  const answers = [await lastShortRead(second.machine), await askShortRead(third.machine)];
  if (answers.some((answer) => answer !== 'nothing'))
    throw new Error(`this kernel does not lack the fix: short reads are answered with ${answers.join(' and ')}`);
  return `the hole is there: a read shorter than a block is answered with ${answers.join(' and ')}`;
}

/** What the order refused, by hand: a stock kernel takes it, and the function that was mended is the old one again. */
async function loadByHand({ machine }: DemoMachine, controlPlane: ControlPlane, patch: Manifest): Promise<string> {
  const { sha256 } = patch;
  const bytes = await readFile(path.join(controlPlane.artifactDir, sha256.slice(0, 2), `${sha256}.ko`));
  await machine.putFile('/run/by-hand.ko', bytes);
  await machine.run('insmod /run/by-hand.ko');
  await settle(machine, patch, '1');
  return askShortRead(machine);
}

async function unloadByHand({ machine }: DemoMachine, patch: Manifest): Promise<void> {
  await machine.run(`echo 0 >/sys/kernel/livepatch/${patch.moduleName}/enabled`);
  await settle(machine, patch, '0');
  await machine.run(`rmmod ${patch.moduleName}`);
}

/** Waits in the guest until a livepatch is switched; one that was disabled is gone from there. */
async function settle(machine: DemoMachine['machine'], { moduleName }: Manifest, enabled: '0' | '1'): Promise<void> {
  const dir = `/sys/kernel/livepatch/${moduleName}`;
  const settled = enabled === '1' ? `[ "$(cat ${dir}/transition)" = 0 ]` : `[ ! -e ${dir} ]`;
  await machine.run(`until ${settled}; do sleep 0.2; done`);
}

async function gather({ node, machine }: DemoMachine, position: number, fix: Manifest): Promise<StockEvidence> {
  const state = `/sys/kernel/livepatch/${fix.moduleName}`;
  const patched = (await machine.run(`cat ${state}/enabled ${state}/${patchedModule}/patched`)).trim().split('\n');
  return {
    node,
    position,
    release: (await machine.run('cat /proc/sys/kernel/osrelease')).trim(),
    isPatched: patched.join(' ') === '1 1',
    answer: await askShortRead(machine),
    longRunning: node === 'node-2' ? await lastShortRead(machine) : undefined,
  };
}

/** The job on a kernel that nobody here built; every step throws if something is not as it must be. */
export async function tellStockStory(stage: DemoStage, { release, packages }: StockKernelChoice): Promise<StoryEnd> {
  const { root, workDir, cleanup, signal } = stage;
  const progress = new ProgressLine(10);
  const controlPlane = await progress.run('Start the control plane and a build worker', () =>
    startServices(root, workDir, cleanup),
  );
  const operator = new Operator(root, controlPlane.stateDir, signal);
  await stage.showConsole(operator);
  const planning = planMachines(operator);
  // Its failure is told where it is waited for.
  planning.catch(() => undefined);
  const kernelBuildId = await progress.run(
    `Register Debian's ${release} from its packages: nothing is compiled but what its build prepares`,
    () => operator.addDebianKernel(release, packages),
    (id) => `build-id ${id.slice(0, 12)}`,
  );
  const machines = await progress.run('Boot three machines with it and the agent', async () => {
    const started = await bootMachines(stage, kernelBuildId, controlPlane, planning);
    await waitForNodes(operator, signal, 'three nodes connected', (nodes) => isAt(0, nodes, started));
    return started;
  });
  const [first, , third] = machines;
  if (first === undefined || third === undefined) throw new Error('the demo needs three machines');
  await progress.run(
    `Use ${patchedModule}: a program on node-2 keeps it busy, node-3 has it loaded, node-1 has not`,
    () => useModule(machines),
    (words) => words,
  );
  const example = (name: string): string => path.join(root, 'examples/debian-6.1.0-50', `${name}.patch`);
  const [fix, audit] = await progress.run(
    "Build the security fix and somebody's audit patch: each original is proved against the vendor's module first",
    async () =>
      [
        await operator.submitPatch(example('fix'), 'fix'),
        await operator.submitPatch(example('audit'), 'audit'),
      ] as const,
    (manifests) => manifests.map(describeManifest).join('; '),
  );
  await progress.run('Append the fix and roll it out, node-1 first: there the module is not loaded yet', async () => {
    await operator.append(cluster, 'fix', [], 'per_task');
    await rollOut(operator, 'fix');
  });
  await progress.run(
    `Load ${patchedModule} on node-1: it is mended before its first use`,
    async () => {
      if (await hasPatchedModule(first.machine)) throw new Error(`${patchedModule} was loaded on node-1 already`);
      await loadPatchedModule(first.machine);
      return askShortRead(first.machine);
    },
    (answer) => `a short read is answered with ${answer}`,
  );
  await progress.run(
    'Append the audit patch, which changes the same function, without an override',
    () => expectRefusal('audit', () => operator.append(cluster, 'audit', [], 'per_task')),
    (message) => `refused: ${message}`,
  );
  await progress.run(
    'Load it by hand on node-3, past all of Lockstep: the kernel itself does not guard',
    async () => {
      const answer = await loadByHand(third, controlPlane, audit);
      const [node] = await waitForNodes(operator, signal, 'node-3 diverged', (nodes) =>
        nodes.some(({ name, report }) => name === third.node && report?.status === 'diverged'),
      ).then((nodes) => nodes.filter(({ name }) => name === third.node));
      await unloadByHand(third, audit);
      await waitForNodes(operator, signal, 'node-3 in step again', (nodes) => isAt(1, nodes, machines));
      return { answer, problem: node?.report?.problem?.message ?? 'diverged' };
    },
    ({ answer, problem }) =>
      `taken without a word, and the fix is undone: a short read is answered with ${answer}.\n      The agent told: ${problem}\n      Taken out by hand: in step again`,
  );
  const evidence = await progress.run('Read what the three kernels really run', async () => {
    const nodes = await operator.nodes(cluster);
    const positionOf = (name: string): number => nodes.find((node) => node.name === name)?.report?.position ?? 0;
    return Promise.all(machines.map((one) => gather(one, positionOf(one.node), fix)));
  });
  const expected = { nodes: nodeNames.length, position: 1, release };
  return { table: stockTable(evidence), ...judgeStock(evidence, expected) };
}
