// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import type { BuiltKernel } from '@lockstep/io/kernel-builder';
import { chooseAccelerator } from '@lockstep/testing/qemu-machine';
import { cluster, expectRefusal, isAt, nodeNames, rollOut, waitForNodes } from './cluster';
import { buildDemoKernel } from './demo-kernel';
import { gatherEvidence, sayShutdown, startMachines, type DemoMachine } from './machines';
import { describeManifest, Operator, type Manifest } from './operator';
import { ProgressLine } from '../progress/progress-line';
import { evidenceTable, judge, type MachineEvidence } from './proof';
import { startServices, type ControlPlane } from './services';
import type { DemoStage, Stage, StoryEnd } from './stage';

/** A machine that is off while others switch is not lost in this story, however long an emulated one takes to boot. */
const patience = { LOCKSTEP_RETURN_GRACE_SECONDS: '300' };

async function bootMachines(
  { root, workDir, cleanup, signal }: Stage,
  kernel: BuiltKernel,
  controlPlane: ControlPlane,
  operator: Operator,
): Promise<DemoMachine[]> {
  await operator.createCluster(cluster);
  const plans = [];
  for (const node of nodeNames) plans.push({ node, joinToken: await operator.joinToken(cluster, node) });
  // Once, before they all start: probing for KVM boots a machine.
  await chooseAccelerator(kernel.imageFile);
  const system = { kernelImage: kernel.imageFile, initFile: path.join(root, 'kernel-livepatch/qemu/init') };
  return startMachines({ root, workDir, system, controlPlane, cleanup, signal }, plans);
}

/** `insmod` of B by hand must fail in the patched core; its line in the kernel log names function and owner. */
async function expectKernelRefusal(
  [first]: readonly DemoMachine[],
  { artifactDir }: ControlPlane,
  { sha256, moduleName }: Manifest,
): Promise<string> {
  if (first === undefined) throw new Error('the demo needs three machines');
  const file = path.join(artifactDir, sha256.slice(0, 2), `${sha256}.ko`);
  const { status, stderr } = await first.machine.exec(`insmod '${file}'`);
  const log = await first.machine.run('dmesg');
  const line = log.split('\n').find((text) => text.includes(`conflict: '${moduleName}'`));
  if (status !== 0 && line !== undefined) return line.replace(/^\[[^\]]*\] /, '');
  throw new Error(`the kernel did not refuse ${moduleName} as a conflict: insmod ended with ${status}. ${stderr}`);
}

async function rollOutB(stage: Stage, operator: Operator, machines: readonly DemoMachine[]): Promise<void> {
  const [, second, third] = machines;
  if (second === undefined || third === undefined) throw new Error('the demo needs three machines');
  await sayShutdown(stage.root, third);
  await third.machine.powerOff();
  console.log(`      ${third.node} is switched off`);
  const rollout = await operator.startRollout(cluster);
  await waitForNodes(operator, stage.signal, 'node-1 and node-2 at position 2', (nodes) =>
    isAt(2, nodes, machines.slice(0, 2)),
  );
  const bootBefore = second.machine.bootId;
  await sayShutdown(stage.root, second);
  await second.machine.reset();
  await third.machine.start();
  console.log(`      ${second.node} is reset, ${third.node} is switched on again`);
  await Promise.all([second, third].map(async ({ machine }) => machine.waitReady()));
  if (second.machine.bootId === bootBefore) throw new Error(`${second.node} has not booted again`);
  const status = await operator.watchRollout(rollout);
  if (status !== 'succeeded') throw new Error(`the rollout of b ended as "${status}"`);
  await waitForNodes(operator, stage.signal, 'all nodes at position 2', (nodes) => isAt(2, nodes, machines));
}

/** The demo's nine steps after the bootstrap; every one throws if something is not as it must be. */
export async function tellStory(stage: DemoStage): Promise<StoryEnd> {
  const { root, workDir, cleanup, signal } = stage;
  const progress = new ProgressLine(9);
  const kernel = await progress.run(
    'Build a livepatch-capable kernel, or find it in the cache',
    () => buildDemoKernel(root, progress, signal),
    ({ version, key }) => `Linux ${version}, cache key ${key.slice(0, 12)}`,
  );
  const controlPlane = await progress.run('Start the control plane and a build worker', () =>
    startServices(root, workDir, cleanup, patience),
  );
  const operator = new Operator(root, controlPlane.stateDir, signal);
  await stage.showConsole(operator);
  const machines = await progress.run('Start three machines with the agent; register the kernel build', async () => {
    const [started] = await Promise.all([
      bootMachines(stage, kernel, controlPlane, operator),
      operator.addKernel(kernel.treeDir),
    ]);
    await waitForNodes(operator, stage.signal, 'three nodes connected', (nodes) => isAt(0, nodes, started));
    return started;
  });
  const example = (name: string): string => path.join(root, `examples/linux-${kernel.version}`, `${name}.patch`);
  const [a, b] = await progress.run(
    'Build patch A (a1 b1 c1) and patch B (a2 d2) through the queue',
    async () => Promise.all([operator.submitPatch(example('a'), 'a'), operator.submitPatch(example('b'), 'b')]),
    (manifests) => manifests.map(describeManifest).join('; '),
  );
  await progress.run('Append A and roll it out, node by node after a canary', async () => {
    await operator.append(cluster, 'a');
    await rollOut(operator, 'a');
  });
  await progress.run(
    'Append B without an override',
    () => expectRefusal('b', () => operator.append(cluster, 'b')),
    (message) => `refused: ${message}`,
  );
  await progress.run(
    'Load B by hand on node-1, past all of Lockstep but the kernel',
    () => expectKernelRefusal(machines, controlPlane, b),
    (line) => `refused by the kernel: ${line}`,
  );
  await progress.run('Append B over A on purpose; roll out while one machine is off and another reboots', async () => {
    await operator.append(cluster, 'b', ['a']);
    await rollOutB(stage, operator, machines);
  });
  const evidence = await progress.run('Read what the three kernels really run', async () => {
    const nodes = await operator.nodes(cluster);
    const positionOf = (name: string): number => nodes.find((node) => node.name === name)?.report?.position ?? 0;
    return Promise.all(
      machines.map(async (one): Promise<MachineEvidence> => gatherEvidence(one, positionOf(one.node))),
    );
  });
  const expected = {
    nodes: nodeNames.length,
    position: 2,
    stack: [
      { module: a.moduleName, letter: 'A' },
      { module: b.moduleName, letter: 'B' },
    ],
    answers: { a: 'a2', b: 'b1', c: 'c1', d: 'd2' },
  };
  const table = evidenceTable(evidence, expected);
  return { table, ...judge(evidence, expected) };
}
