// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { chooseAccelerator } from '@lockstep/testing/qemu-machine';
import type { BuiltKernel } from '@lockstep/io/kernel-builder';
import { buildDemoKernel } from './demo-kernel';
import { gatherEvidence, sayShutdown, startMachine, type DemoMachine } from './machines';
import { Operator, Refused, type Manifest, type NodeState } from './operator';
import type { Cleanup } from './processes';
import { ProgressLine } from '../progress/progress-line';
import { evidenceTable, judge, type MachineEvidence } from './proof';
import { startServices, type ControlPlane } from './services';

export interface Stage {
  readonly root: string;
  readonly workDir: string;
  readonly cleanup: Cleanup;
  readonly signal: AbortSignal;
}

export interface StoryEnd {
  readonly table: string;
  readonly line: string;
  readonly deviations: readonly string[];
  readonly stateDir: string;
}

const cluster = 'demo';
const nodeNames = ['node-1', 'node-2', 'node-3'] as const;
const settleWithinMs = 180_000;

const describeManifest = ({ moduleName, functions }: Manifest): string =>
  `${moduleName}.ko changes ${functions.map((fn) => fn.name).join(', ')}`;

/** Asks until `arrived` holds for the nodes, or says how far they came. */
async function waitForNodes(
  operator: Operator,
  { signal }: Stage,
  what: string,
  arrived: (nodes: readonly NodeState[]) => boolean,
): Promise<NodeState[]> {
  const deadline = performance.now() + settleWithinMs;
  for (;;) {
    signal.throwIfAborted();
    const nodes = await operator.nodes(cluster);
    if (arrived(nodes)) return nodes;
    if (performance.now() > deadline) {
      throw new Error(`not within ${settleWithinMs / 1000} s: ${what}. The nodes are: ${JSON.stringify(nodes)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const isAt = (position: number, nodes: readonly NodeState[], names: readonly string[]): boolean =>
  names.every((name) => {
    const node = nodes.find((candidate) => candidate.name === name);
    return node?.connected === true && node.report?.status === 'in-step' && node.report.position === position;
  });

async function startMachines(
  { root, workDir, cleanup }: Stage,
  kernel: BuiltKernel,
  controlPlane: ControlPlane,
  operator: Operator,
): Promise<DemoMachine[]> {
  await operator.createCluster(cluster);
  const plans = [];
  for (const node of nodeNames) plans.push({ node, joinToken: await operator.joinToken(cluster, node) });
  // Once, before they all start: probing for KVM boots a machine.
  await chooseAccelerator(kernel.imageFile);
  return Promise.all(plans.map((plan) => startMachine(root, workDir, kernel.imageFile, controlPlane, plan, cleanup)));
}

/** The unforced append must be refused as a conflict in `a`; anything else ends the demo. */
async function expectRefusal(operator: Operator): Promise<string> {
  try {
    await operator.append(cluster, 'b');
  } catch (error) {
    if (error instanceof Refused && error.reason === 'unforced-conflict') return error.message;
    throw error;
  }
  throw new Error('the load order took patch b, which conflicts with patch a, without an override');
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
  await waitForNodes(operator, stage, 'node-1 and node-2 at position 2', (nodes) =>
    isAt(2, nodes, nodeNames.slice(0, 2)),
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
  await waitForNodes(operator, stage, 'all nodes at position 2', (nodes) => isAt(2, nodes, nodeNames));
}

/** The demo's nine steps after the bootstrap; every one throws if something is not as it must be. */
export async function tellStory(stage: Stage): Promise<StoryEnd> {
  const { root, workDir, cleanup, signal } = stage;
  const progress = new ProgressLine(9);
  const kernel = await progress.run(
    'Build a livepatch-capable kernel, or find it in the cache',
    () => buildDemoKernel(root, progress, signal),
    ({ version, key }) => `Linux ${version}, cache key ${key.slice(0, 12)}`,
  );
  const controlPlane = await progress.run('Start the control plane and a build worker', () =>
    startServices(root, workDir, cleanup),
  );
  const operator = new Operator(root, controlPlane.stateDir, signal);
  const machines = await progress.run('Start three machines with the agent; register the kernel build', async () => {
    const [started] = await Promise.all([
      startMachines(stage, kernel, controlPlane, operator),
      operator.addKernel(kernel.treeDir),
    ]);
    await waitForNodes(operator, stage, 'three nodes connected', (nodes) => isAt(0, nodes, nodeNames));
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
    const status = await operator.watchRollout(await operator.startRollout(cluster));
    if (status !== 'succeeded') throw new Error(`the rollout of a ended as "${status}"`);
  });
  await progress.run(
    'Append B without an override',
    () => expectRefusal(operator),
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
  return { table, ...judge(evidence, expected), stateDir: controlPlane.stateDir };
}
