// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { RolloutStatus } from '@lockstep/contracts/generated';
import { ReplicaFleet, takenOverWithinMs } from './replica-fleet';
import type { TestAgent } from './test-agent';
import { eventually } from './test-plane';

jest.setTimeout(300_000);

const cluster = 'shared';
let fleet: ReplicaFleet;

beforeAll(async () => {
  fleet = await ReplicaFleet.start({ planes: 2, queue: 'postgres' });
});
afterAll(() => fleet.stop());

test('whoever is asked, it is one control plane: nodes of both are seen, given entries, moved and removed by either', async () => {
  const [first, second] = fleet.two;
  await eventually(async () => {
    expect(await Promise.all(fleet.planes.map((plane) => fleet.connectedBy(plane)))).toEqual(
      fleet.planes.map(() => fleet.nodeCount),
    );
  });
  expect(await first.append(cluster, 'fix-0')).toBe(1);
  expect(await second.append(cluster, 'fix-1')).toBe(2);
  const { rollout } = await fleet.startRollout(second);
  await eventually(() => {
    fleet.expectAllAt(2);
  });
  await eventually(async () => {
    for (const { operator } of fleet.planes) {
      const shown = (await operator.fleet.getRollout({ id: rollout!.id })).rollout;
      expect(shown).toMatchObject({ status: RolloutStatus.ROLLOUT_STATUS_SUCCEEDED, nodesThere: fleet.nodeCount });
    }
  });
  // Enrolled with one, connected to the other, removed by the first again.
  const { certificate, key } = await first.credentials(cluster, 'guest');
  const guest = second.agent(certificate, key).connect();
  await eventually(async () => {
    expect(await fleet.connectedBy(first)).toBe(fleet.nodeCount + 1);
  });
  await first.operator.fleet.removeNode({ name: 'guest' });
  expect(await guest.ended).toMatchObject({ reason: 'node-removed' });
  await eventually(async () => {
    expect(await fleet.connectedBy(second)).toBe(fleet.nodeCount);
  });
});

/**
 * Revoked everywhere well within so long, by the word of who did it or, where that is lost, by the next look: before everything is
 * looked through, which is each fifteen seconds.
 */
const revokedWithinMs = 10_000;

async function joined(name: string): Promise<TestAgent> {
  const [first, second] = fleet.two;
  const { certificate, key } = await first.credentials(cluster, name);
  const agent = second.agent(certificate, key).connect();
  await eventually(async () => {
    expect(await fleet.connectedBy(first)).toBe(fleet.nodeCount + 1);
  });
  return agent;
}

const endedWithin = (agent: TestAgent, ms: number): Promise<unknown> =>
  Promise.race([agent.ended, sleep(ms, 'still connected')]);

test('a certificate that is revoked by one is good for nothing at the other, at once, and also where nobody says so', async () => {
  const [first] = fleet.two;
  const guest = await joined('revoked');
  await first.operator.fleet.revokeNode({ name: 'revoked' });
  expect(await endedWithin(guest, revokedWithinMs)).toMatchObject({ reason: 'certificate-revoked' });
  await first.operator.fleet.removeNode({ name: 'revoked' });
  const silent = await joined('silent');
  await fleet.pg.query(`UPDATE nodes SET revoked_at = now() WHERE name = 'silent'`);
  expect(await endedWithin(silent, revokedWithinMs)).toMatchObject({ reason: 'certificate-revoked' });
  await first.operator.fleet.removeNode({ name: 'silent' });
});

test('what one is told, the others know: an access token that is revoked, and what happened', async () => {
  const [first, second] = fleet.two;
  const caller = second.operatorWith(await first.accessToken('guest'));
  await eventually(() => caller.fleet.listClusters({}));
  await first.operator.access.revokeToken({ name: 'guest' });
  await eventually(async () => {
    await expect(caller.fleet.listClusters({})).rejects.toMatchObject({ reason: 'token-revoked' });
  }, revokedWithinMs);
  const { head } = await first.operator.fleet.listEvents({ types: [], cluster: '', limit: 1 });
  const watch = { types: ['patch.submitted'], cluster: '', afterSeq: head };
  const told = second.operator.fleet.watchEvents(watch)[Symbol.asyncIterator]();
  const next = told.next();
  await first.build('told', 'fn_told');
  expect((await next).value).toMatchObject({ event: { subject: 'told' } });
  await told.return?.();
});

test('one that is stopped hands over what it does and whom it serves', async () => {
  const [stopped, other] = await fleet.leaderAndOther();
  const { holder } = await fleet.lease();
  await stopped.down();
  expect(await fleet.takenOver(holder)).toBeLessThan(takenOverWithinMs);
  await eventually(async () => {
    expect(await fleet.connectedBy(other)).toBe(fleet.nodeCount);
  });
  await stopped.up();
  await fleet.expectAllThere(other);
});
