// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseClusterName, parseKernelBuildId, parseSeq } from '@lockstep/domain/livepatch-model';
import { defaultRules, planRollout } from '@lockstep/domain/rollout-planner';
import type { RolloutRecord } from '@lockstep/io/database';
import { RolloutsInForce } from './rollouts-in-force';

const cluster = parseClusterName('web');
const policy = { kernelBuild: parseKernelBuildId('ab'.repeat(20)), toSeq: parseSeq(1), ...defaultRules };
const plan = planRollout({ policy, parent: null, inventory: [], nowMs: 0 });
const rollout = (id: string): RolloutRecord => ({
  ...{ id, cluster, policy, plan, status: 'running', startedAt: new Date(0), endedAt: null, orders: [] },
});

async function inForce() {
  const stored = [rollout('r1')];
  let reads = 0;
  const rollouts = new RolloutsInForce({
    inForce: async () => {
      reads += 1;
      return [...stored];
    },
  });
  await rollouts.start();
  return { rollouts, stored, reads: () => reads };
}

test('plans are followed without being read again, until one is begun or ends', async () => {
  const { rollouts, stored, reads } = await inForce();
  const next = { ...plan, generation: 2, parent: 1 };
  rollouts.replace((await rollouts.of(cluster))[0]!, next);
  expect([rollouts.find('r1')?.plan, (await rollouts.of(cluster))[0]?.plan, reads()]).toEqual([next, next, 1]);
  stored.push(rollout('r2'));
  rollouts.readAgain(cluster);
  expect(rollouts.find('r1')).toBeUndefined();
  expect((await rollouts.of(cluster)).map(({ id }) => id)).toEqual(['r1', 'r2']);
  rollouts.replace(rollout('r2'), { ...next, status: 'succeeded' });
  await rollouts.of(cluster);
  expect(reads()).toBe(3);
});

test('what was begun while it is read is read once more', async () => {
  const { rollouts, stored } = await inForce();
  rollouts.readAgain(cluster);
  const reading = rollouts.of(cluster);
  stored.push(rollout('r2'));
  rollouts.readAgain(cluster);
  await reading;
  expect((await rollouts.of(cluster)).map(({ id }) => id)).toEqual(['r1', 'r2']);
});

test('what is being read again is told by nobody as it was: who asks meanwhile would hold it for the newest', async () => {
  const { rollouts, stored } = await inForce();
  rollouts.readAgain(cluster);
  stored[0] = { ...rollout('r1'), status: 'paused' };
  const reading = [rollouts.of(cluster), rollouts.of(cluster)];
  expect(rollouts.find('r1')).toBeUndefined();
  expect((await Promise.all(reading)).map(([each]) => each?.status)).toEqual(['paused', 'paused']);
  expect(rollouts.find('r1')?.status).toBe('paused');
});

test('an earlier plan that comes late does not take the place of a later one', async () => {
  const { rollouts } = await inForce();
  const later = { ...plan, generation: 3, parent: 2 };
  rollouts.replace(rollout('r1'), later);
  rollouts.replace(rollout('r1'), { ...plan, generation: 2, parent: 1 });
  expect(rollouts.find('r1')?.plan).toEqual(later);
});
