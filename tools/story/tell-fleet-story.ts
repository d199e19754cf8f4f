// SPDX-License-Identifier: GPL-2.0-only
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { buildDemoKernel } from '../demo/demo-kernel';
import { startServices } from '../demo/services';
import type { Stage } from '../demo/stage';
import { ProgressLine } from '../progress/progress-line';
import type { Narrator } from './narrator';
import { writePatches } from './patches';
import { People } from './people';
import {
  tellAudit,
  tellFirstRollout,
  tellResumed,
  tellRollback,
  tellSecondRollout,
  tellStackedBuild,
} from './rollout-chapters';
import { nodeNames, StoryFleet } from './story-fleet';
import { cluster, type StoryStage } from './story-stage';

const kernelForm = z.object({ id: z.string(), release: z.string() });
const kernels = z.object({ kernelBuilds: z.array(kernelForm) });
const joined = z.object({ joinToken: z.string() });

const tellEvery = 50;
/** Two processors for hundreds of machines: one that is slow to answer is not lost. */
const patience = { LOCKSTEP_RETURN_GRACE_SECONDS: '180' };

/** Control plane, worker, people and a fleet that is connected. */
async function setUp(stage: Stage, narrator: Narrator, agents: number): Promise<StoryStage> {
  const { root, workDir, cleanup, signal } = stage;
  const say = (text: string): void => {
    narrator.say(text);
  };
  const progress = new ProgressLine(1, process.stderr);
  const kernel = await buildDemoKernel(root, progress, signal);
  const { stateDir, operatorPort } = await startServices(root, workDir, cleanup, patience);
  const people = new People({ root, stateDir, workDir, narrator, signal });
  await people.type('admin', ['kernel', 'add', kernel.treeDir], { most: 4 });
  await people.type('admin', ['cluster', 'create', cluster], { most: 2 });
  await people.type('admin', ['cluster', 'set', cluster, '--approvals', '2'], { most: 4 });
  await people.invite('ada', ['operator', 'approver'], cluster);
  await people.invite('bob', ['approver'], cluster);
  await people.invite('carol', ['approver'], cluster);
  const { kernelBuilds } = await people.ask(['kernel', 'ls'], kernels);
  const [registered] = kernelBuilds;
  if (registered === undefined) throw new Error('The kernel build is not registered.');
  const join = ['node', 'join', '--cluster', cluster, '--allow', 'node-*', '--count', String(agents)];
  const { joinToken } = await people.ask(join, joined);
  const dir = path.join(workDir, 'nodes');
  await mkdir(dir);
  const options = {
    ...{ bundles: path.join(root, 'dist'), dir, names: nodeNames(agents), kernel: registered, joinToken, signal },
    server: `127.0.0.1:${operatorPort}`,
  };
  const fleet = await StoryFleet.start(options, (count) => {
    if (count % tellEvery === 0 || count === agents) say(`${count} of ${agents} nodes have enrolled`);
  });
  cleanup.add(() => fleet[Symbol.asyncDispose]());
  await people.type('admin', ['cluster', 'show', cluster], { most: 8 });
  const patches = await writePatches(kernel.treeDir, workDir);
  return { people, narrator, fleet, patches, agents, say, signal };
}

/** From a fleet that joins to the report of what became of it; throws at the first step that is not as it must be. */
export async function tellFleetStory(stage: Stage, narrator: Narrator, agents: number): Promise<void> {
  const set = await narrator.chapter(`A control plane, three people, ${agents} nodes`, () =>
    setUp(stage, narrator, agents),
  );
  const halted = await tellFirstRollout(set);
  const mended = await tellStackedBuild(set);
  await tellResumed(set, halted);
  const rolledOut = await tellSecondRollout(set, mended);
  const undoing = await tellRollback(set, rolledOut);
  await tellAudit(set, halted.id);
  await set.people.type('admin', ['rollout', 'ls', '--cluster', cluster], { says: new RegExp(undoing) });
}
