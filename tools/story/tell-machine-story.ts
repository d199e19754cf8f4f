// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseAccelerator } from '@lockstep/testing/qemu-machine';
import { z } from 'zod';
import { buildDemoKernel } from '../demo/demo-kernel';
import { startMachines, type DemoMachine } from '../demo/machines';
import { startServices } from '../demo/services';
import type { Stage } from '../demo/stage';
import { ProgressLine } from '../progress/progress-line';
import type { Narrator } from './narrator';
import { writeOopsingPatch } from './patches';
import { People, StoryFault } from './people';
import { expectThat } from './story-stage';
import { newestRollout, patienceMs, watchToTheEnd, watchUntil, type Watcher } from './told-rollout';

const cluster = 'lab';
const names = ['lab-1', 'lab-2', 'lab-3', 'lab-4'];

const answerMs = 60_000;

const joined = z.object({ joinToken: z.string() });
const report = z.object({ status: z.string(), position: z.number() }).nullable();
const listed = z.object({ nodes: z.array(z.object({ name: z.string(), report })) });

interface MachineStage extends Watcher {
  readonly narrator: Narrator;
  readonly machines: readonly DemoMachine[];
  /** A patch that oopses when it is used. */
  readonly patch: string;
}

async function setUp(stage: Stage, narrator: Narrator): Promise<MachineStage> {
  const { root, workDir, cleanup, signal } = stage;
  const say = (text: string): void => {
    narrator.say(text);
  };
  const kernel = await buildDemoKernel(root, new ProgressLine(1, process.stderr), signal);
  const controlPlane = await startServices(root, workDir, cleanup);
  const people = new People({ root, stateDir: controlPlane.stateDir, workDir, narrator, signal });
  await people.type('admin', ['kernel', 'add', kernel.treeDir], { most: 2 });
  await people.type('admin', ['cluster', 'create', cluster], { most: 2 });
  const plans = [];
  for (const node of names) {
    const { joinToken } = await people.ask(['node', 'join', node, '--cluster', cluster], joined);
    plans.push({ node, joinToken });
  }
  // Once, before they all start: probing for KVM boots a machine.
  await chooseAccelerator(kernel.imageFile);
  const system = { kernelImage: kernel.imageFile, initFile: path.join(root, 'kernel-livepatch/qemu/init') };
  const machines = await startMachines({ root, workDir, system, controlPlane, cleanup, signal }, plans);
  // The machines of tests end at an oops; servers go on, and so it can be read in the log of one that runs.
  for (const { machine } of machines) await machine.run('echo 0 > /proc/sys/kernel/panic_on_oops', answerMs);
  say(`${machines.length} machines have booted Linux ${kernel.version}; an oops ends none of them.`);
  const set = { people, say, signal, narrator, machines, patch: await writeOopsingPatch(kernel.treeDir, workDir) };
  for (const { node } of machines) await untilNode(set, node, 'in-step', 0);
  return set;
}

/** Asks until the node has said so; one that has just booted is no node yet. */
async function untilNode({ people, signal }: Watcher, node: string, status: string, position?: number): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    const { nodes } = await people.ask(['node', 'ls', '--cluster', cluster], listed);
    const said = nodes.find(({ name }) => name === node)?.report;
    if (said?.status === status && said.position === (position ?? said.position)) return;
    if (performance.now() > deadlineMs) {
      throw new StoryFault(
        `Not within ${patienceMs / 1000} s: ${node} is ${status}. It says ${JSON.stringify(said ?? null)}.`,
      );
    }
    await sleep(1_000, undefined, { signal });
  }
}

/** Livepatches that a machine's kernel itself shows, and whether it still does what is asked of it. */
async function lookInto({ machine }: DemoMachine): Promise<{ readonly held: string; readonly isWell: boolean }> {
  const held = (await machine.run('ls /sys/kernel/livepatch | grep ^lockstep_ || true', answerMs)).trim();
  const isWell = (await machine.run('grep -c MemTotal /proc/meminfo || true', answerMs)).trim() === '1';
  return { held, isWell };
}

async function tellOops(stage: MachineStage): Promise<{ readonly id: string; readonly canary: DemoMachine }> {
  const { people, narrator, machines, say } = stage;
  const id = await narrator.chapter('A patch that oopses when it is used reaches its canary', async () => {
    const submit = ['patch', 'submit', stage.patch, '--name', 'meminfo-oops', '--wait'];
    await people.type('admin', submit, { says: /succeeded/ });
    await people.type('admin', ['order', 'append', 'meminfo-oops', '--cluster', cluster], { says: /Appended: #1/ });
    const rules = ['--canaries', '1', '--waves', '100%', '--bake', '10m', '--allowed-failures', '50%'];
    await people.type('admin', ['rollout', 'start', '--cluster', cluster, ...rules], { most: 3 });
    return newestRollout(people, cluster);
  });
  return narrator.chapter('Its kernel writes an oops into its log, and the rollout halts at once', async () => {
    const { nodes } = await watchUntil(stage, id, 'the canary is there', (rollout) =>
      rollout.nodes.some(({ wave, notYet }) => wave === 0 && notYet === null),
    );
    const name = nodes.find(({ wave }) => wave === 0)?.node;
    const canary = machines.find(({ node }) => node === name);
    if (canary === undefined) throw new StoryFault(`No machine is the canary: ${JSON.stringify(nodes)}.`);
    say(`Somebody reads /proc/meminfo on ${canary.node}.`);
    const { status } = await canary.machine.exec('cat /proc/meminfo', answerMs);
    expectThat('whoever read it was killed', status !== 0, status);
    const halted = await watchUntil(stage, id, 'it halts', (rollout) => rollout.status === 'halted');
    expectThat('it halted for the oops, whatever may fail', halted.halt?.reason === 'crash', halted.halt);
    await people.type('admin', ['rollout', 'show', id], { says: /had an oops/, most: 16 });
    for (const other of machines.filter((each) => each !== canary)) {
      const { held, isWell } = await lookInto(other);
      expectThat(`${other.node} was not touched, by its own kernel`, held === '' && isWell, { held, isWell });
    }
    say('The kernels of the three others hold nothing, and answer.');
    return { id, canary };
  });
}

async function tellReboot(stage: MachineStage, canary: DemoMachine): Promise<void> {
  const { people, narrator, machines, say } = stage;
  await narrator.chapter('It is reset; its next boot quarantines the patch, and loads nothing', async () => {
    const before = canary.machine.bootId;
    await canary.machine.reset();
    await canary.machine.waitReady(patienceMs);
    expectThat(`${canary.node} has booted again`, canary.machine.bootId !== before, canary.machine.bootId);
    await untilNode(stage, canary.node, 'quarantined');
    const { held, isWell } = await lookInto(canary);
    expectThat(`${canary.node} loads nothing, and answers`, held === '' && isWell, { held, isWell });
    await people.type('admin', ['node', 'show', canary.node], { says: /quarantined/i, most: 20 });
    await people.type('admin', ['node', 'ls', '--cluster', cluster]);
  });
  await narrator.chapter('The patch is retired: all four are in step, and none runs it', async () => {
    await people.type('admin', ['order', 'retire', '1', '--cluster', cluster], { most: 2 });
    const start = ['rollout', 'start', '--cluster', cluster, '--waves', '100%'];
    await people.type('admin', start, { most: 3 });
    await watchToTheEnd(stage, await newestRollout(people, cluster));
    for (const machine of machines) {
      const { held, isWell } = await lookInto(machine);
      expectThat(`${machine.node} holds nothing, and answers`, held === '' && isWell, { held, isWell });
    }
    say(`All ${machines.length} machines are in step.`);
  });
}

/** Real kernels: what takes one of them down reaches no other. */
export async function tellMachineStory(stage: Stage, narrator: Narrator): Promise<void> {
  const set = await narrator.chapter(`Four machines with kernels of their own`, () => setUp(stage, narrator));
  const { id, canary } = await tellOops(set);
  await tellReboot(set, canary);
  await set.people.type('admin', ['report', 'rollout', id], { says: /which its host has survived/, most: 24 });
}
