// SPDX-License-Identifier: GPL-2.0-only
import { appendFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { ReplicaFleet, takenOverWithinMs } from './replica-fleet';
import { TestPlane } from './test-plane';

jest.setTimeout(7_200_000);

/** As `npm run test:replicas` was asked for. */
const rounds = Number(process.env['LOCKSTEP_REPLICA_ROUNDS'] ?? 4);
const planeCount = Number(process.env['LOCKSTEP_REPLICA_PLANES'] ?? 2);
const queue = process.env['LOCKSTEP_REPLICA_QUEUE'] === 'redis' ? 'redis' : 'postgres';
const figuresFile = process.env['LOCKSTEP_REPLICA_FIGURES'];
const cluster = 'shared';
let fleet: ReplicaFleet;

beforeAll(async () => {
  fleet = await ReplicaFleet.start({ planes: planeCount, queue });
});
afterAll(() => fleet.stop());

test('a control plane that would be alone is refused beside them', async () => {
  const [{ config }] = fleet.two;
  const env = { LOCKSTEP_DATABASE_URL: config.databaseUrl!, LOCKSTEP_KEYS_DIR: config.keysDir };
  await expect(TestPlane.start(env)).rejects.toMatchObject({ reason: 'already-running' });
});

interface Harm {
  readonly isKilled: boolean;
  readonly isOfLeader: boolean;
}

/** In turn: the leader killed, and stopped (SIGSTOP); then one that follows. */
const harmOf = (round: number): Harm => ({ isKilled: round % 2 === 0, isOfLeader: round % 4 < 2 });

/** @returns how long it took until another one led; undefined where the leader was not harmed. */
async function harm({ isKilled, isOfLeader }: Harm, round: number): Promise<number | undefined> {
  const [leader, follower] = await fleet.leaderAndOther();
  const [victim, other] = isOfLeader ? [leader, follower] : [follower, leader];
  const { holder } = await fleet.lease();
  await other.build(`fix-${2 + 2 * round}`, `fn_${2 + 2 * round}`);
  const appended = victim.append(cluster, `fix-${2 + 2 * round}`).catch(() => undefined);
  await sleep(Math.random() * 100);
  if (isKilled) await victim.kill();
  else victim.freeze();
  const taken = isOfLeader ? fleet.takenOver(holder) : undefined;
  await other.build(`fix-${3 + 2 * round}`, `fn_${3 + 2 * round}`);
  await other.append(cluster, `fix-${3 + 2 * round}`);
  await fleet.startRollout(other);
  // Frozen for so long it is given up by all.
  if (!isOfLeader) await sleep(8_000);
  const tookMs = await taken;
  if (isKilled) await victim.up();
  else victim.thaw();
  await appended;
  await fleet.expectAllThere(other);
  return tookMs;
}

test('one that is killed, or hangs, is followed by the other: one chain, no plan twice, nobody counted as lost', async () => {
  const tookMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const took = await harm(harmOf(round), round);
    if (took !== undefined) tookMs.push(took);
    const figures = {
      planes: planeCount,
      queue,
      round: round + 1,
      takeOverMs: took === undefined ? null : Math.round(took),
    };
    if (figuresFile !== undefined) await appendFile(figuresFile, `${JSON.stringify(figures)}\n`);
  }
  expect(Math.max(...tookMs)).toBeLessThan(takenOverWithinMs);
  expect(fleet.failures).toEqual([]);
});
