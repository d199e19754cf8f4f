// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  NodeStatus,
  RolloutStatus,
  StartRolloutRequest,
  type PlanRollbackResponse,
  type Rollout,
} from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { runLockstep } from '@lockstep/testing/dev-fleet';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

let plane: TestPlane;
let agents: TestAgent[];

beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.work(plane.honestWorker);
  await plane.addKernel();
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: 'web' });
  for (const name of ['a', 'b', 'c', 'd']) await plane.build(name, name);
  await plane.append('web', 'a');
  agents = [];
  for (const name of ['n1', 'n2', 'n3']) agents.push((await plane.enrol('web', name)).connect());
  await everybodyKnows(1);
});
afterAll(() => plane.stop());

const fleet = () => plane.operator.fleet;
const lockstep = (...args: string[]) => runLockstep(plane.config.stateDir, args);

async function everybodyKnows(seq: number): Promise<void> {
  await eventually(() => {
    expect(agents.map(({ headSeq }) => headSeq)).toEqual(agents.map(() => seq));
  });
}

async function rollOut(): Promise<string> {
  const asked = StartRolloutRequest.fromPartial({ cluster: 'web' });
  return (await fleet().startRollout(asked)).rollout!.id;
}

async function eventuallyIs(id: string, status: RolloutStatus): Promise<Rollout> {
  let rollout: Rollout | undefined;
  await eventually(async () => {
    rollout = (await fleet().getRollout({ id })).rollout;
    expect(RolloutStatus[rollout!.status]).toBe(RolloutStatus[status]);
  });
  return rollout!;
}

const retired = async (): Promise<number[]> => {
  const { entries } = await fleet().getOrder({ cluster: 'web', kernelBuildId: '' });
  return entries.flatMap(({ body }) => (body?.$case === 'retire' ? [body.value.retires] : []));
};

test('a rollout that has halted is rolled back as it was shown: newest first, and whoever it made unwell is no obstacle', async () => {
  await eventuallyIs(await rollOut(), RolloutStatus.ROLLOUT_STATUS_SUCCEEDED);
  await plane.append('web', 'b');
  await plane.append('web', 'c');
  await everybodyKnows(3);
  agents[0]!.obedient = false;
  const bad = await rollOut();
  await eventually(() => {
    expect(agents[0]!.target).toBe(3);
  });
  // It holds part of it, and did not survive the rest.
  const problem = { reason: 'quarantined', message: 'It did not survive #3.' };
  Object.assign(agents[0]!, { status: NodeStatus.NODE_STATUS_QUARANTINED, position: 2, problem });
  agents[0]!.report();
  await eventuallyIs(bad, RolloutStatus.ROLLOUT_STATUS_HALTED);
  // Nobody has been given it: rolling back ships nothing new.
  await plane.append('web', 'd');

  const shown = await lockstep('rollout', 'rollback', bad, '--plan', '--json');
  const plan = JSON.parse(shown.stdout) as PlanRollbackResponse;
  expect(plan.retires.map(({ seq, unshipped }) => [seq, unshipped])).toEqual([
    [4, true],
    [3, false],
    [2, false],
  ]);
  expect(plan.nodes.map(({ node, loads, leftOut }) => [node, loads, leftOut])).toEqual([
    ['n1', [], ''],
    ['n2', [], ''],
    ['n3', [], ''],
  ]);
  expect(plan.nodes[0]).toMatchObject({ node: 'n1', unloads: ['lockstep_b'] });
  const text = (await lockstep('rollout', 'rollback', bad, '--plan')).stdout;
  expect(text).toMatch(
    /nothing of which has been done[^]*retires d \(#4\), which nobody has been given[^]*retires b \(#2\)/,
  );
  expect(text).toContain(`lockstep rollout rollback ${bad} --plan ${plan.hash}`);
  expect(await retired()).toEqual([]);

  agents[0]!.obedient = true;
  const done = JSON.parse(
    (await lockstep('rollout', 'rollback', bad, '--plan', plan.hash, '--json')).stdout,
  ) as Rollout;
  expect(done).toMatchObject({ toSeq: 7, rollsBack: bad });
  expect(await retired()).toEqual([4, 3, 2]);
  await eventually(() => {
    expect(agents[0]!.target).toBe(7);
  });
  // It is no better: the others are rolled back all the same.
  const result = await eventuallyIs(done.id, RolloutStatus.ROLLOUT_STATUS_RUNNING);
  expect(result.halt).toBeUndefined();
  await eventually(() => {
    expect(agents.slice(1).map(({ position }) => position)).toEqual([7, 7]);
  });
  Object.assign(agents[0]!, { status: NodeStatus.NODE_STATUS_IN_STEP, problem: undefined, position: 7 });
  agents[0]!.report();
  await eventuallyIs(done.id, RolloutStatus.ROLLOUT_STATUS_SUCCEEDED);
  const shownAfter = (await lockstep('rollout', 'show', done.id)).stdout;
  expect(shownAfter).toContain(`It rolls back rollout ${bad}.`);
  await expect(fleet().rollBackRollout({ ...plainly(done.id) })).rejects.toMatchObject({ reason: 'nothing-to-undo' });
});

const plainly = (id: string) => ({ id, canaries: 0, rules: undefined, planHash: '' });

test('one that runs is rolled back and ends; another one of the load order is not, unless that is said', async () => {
  await plane.append('web', 'b');
  await everybodyKnows(8);
  agents[0]!.obedient = false;
  const running = await rollOut();
  await expect(rollOut()).rejects.toMatchObject({
    reason: 'rollout-running',
    message: expect.stringMatching(
      new RegExp(`Rollout ${running} to #8 is running, at the canaries of 3 waves, with 0 of 3`),
    ),
  });
  const again = await lockstep('rollout', 'start', '--cluster', 'web', '--supersede', '--json');
  const { id: second } = JSON.parse(again.stdout) as Rollout;
  await eventuallyIs(running, RolloutStatus.ROLLOUT_STATUS_SUPERSEDED);
  await expect(fleet().rollBackRollout(plainly(running))).rejects.toMatchObject({ reason: 'rollout-running' });
  expect(await retired()).toEqual([4, 3, 2]);
  agents[0]!.obedient = true;
  const { rollout, entries } = await fleet().rollBackRollout(plainly(second));
  expect(entries.map(({ seq }) => seq)).toEqual([9]);
  await eventuallyIs(second, RolloutStatus.ROLLOUT_STATUS_SUPERSEDED);
  await eventually(() => {
    expect(agents[0]!.target).toBe(9);
  });
  Object.assign(agents[0]!, { status: NodeStatus.NODE_STATUS_IN_STEP });
  agents[0]!.report();
  await eventuallyIs(rollout!.id, RolloutStatus.ROLLOUT_STATUS_SUCCEEDED);
});

test('begun by the hash of another state it says what has changed, and has appended nothing', async () => {
  await plane.append('web', 'b');
  await everybodyKnows(10);
  const id = await rollOut();
  await eventuallyIs(id, RolloutStatus.ROLLOUT_STATUS_SUCCEEDED);
  const { hash } = await fleet().planRollback({ rollback: plainly(id) });
  const late = (await plane.enrol('web', 'n4')).connect();
  agents.push(late);
  await everybodyKnows(10);
  await eventually(async () => {
    await expect(fleet().rollBackRollout({ ...plainly(id), planHash: hash })).rejects.toMatchObject({
      reason: 'plan-changed',
      fields: { changes: expect.arrayContaining(['n4 has come.']) },
    });
  });
  expect(await retired()).toEqual([4, 3, 2, 8]);
});

test('a rollout whose patch is retired meanwhile halts by that, and is not resumed', async () => {
  const undone = await fleet().rollBackRollout(plainly(await newest()));
  await eventuallyIs(undone.rollout!.id, RolloutStatus.ROLLOUT_STATUS_SUCCEEDED);
  const seq = await plane.append('web', 'c');
  await everybodyKnows(seq);
  agents[0]!.obedient = false;
  const id = await rollOut();
  await eventually(() => {
    expect(agents[0]!.target).toBe(seq);
  });
  await fleet().appendRetire({ cluster: 'web', kernelBuildId: '', seq, expectedSeq: 0 });
  const { halt } = await eventuallyIs(id, RolloutStatus.ROLLOUT_STATUS_HALTED);
  expect(halt).toEqual({
    reason: 'retired',
    message: `It was retired meanwhile, and nodes had yet to load it: c (#${seq}) by #${seq + 1}.`,
  });
  await expect(fleet().resumeRollout({ id, reason: 'no matter' })).rejects.toMatchObject({ reason: 'patch-retired' });
  const told = (await lockstep('rollout', 'show', id)).stdout;
  expect(told).toContain(`Start one to the head, or undo it: lockstep rollout rollback ${id}`);
  expect(agents.slice(1).map(({ target }) => target)).toEqual(agents.slice(1).map(() => seq - 1));
});

const newest = async (): Promise<string> => (await fleet().listRollouts({ cluster: 'web' })).rollouts[0]!.id;
