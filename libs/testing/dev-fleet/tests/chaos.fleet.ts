// SPDX-License-Identifier: GPL-2.0-only
import { randomInt } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { startDevFleet } from '../dev-fleet';
import { runChaos } from './chaos-rounds';

/** `npm run test:chaos` has more. */
const rounds = Number(process.env['LOCKSTEP_CHAOS_ROUNDS'] ?? 4);

describe.each(['postgres', 'redis'] as const)('kill -9 of everything at random moments, queue on %s', (queue) => {
  it(`${rounds} rounds of append and rollout: nothing lost, no order divergence, the chain intact`, async () => {
    const seed = Number(process.env['LOCKSTEP_CHAOS_SEED'] ?? randomInt(2 ** 31));
    const fleet = await startDevFleet({ nodes: 3, queue, transitionMs: 40, workerLockMs: 5_000 });
    try {
      const { kills, ...result } = await runChaos(fleet, rounds, seed);
      expect(result).toMatchObject({ rounds, entries: rounds });
      for (const [what, times] of Object.entries(kills)) expect([what, times > 0]).toEqual([what, true]);
      process.stdout.write(`chaos on ${queue}, seed ${seed}: ${JSON.stringify({ ...result, kills })}\n`);
    } catch (error) {
      throw new Error(`LOCKSTEP_CHAOS_SEED=${seed} (logs in ${fleet.keepLogs()}): ${String(error)}`, { cause: error });
    } finally {
      await fleet.stop();
    }
  }, 3_600_000);
});
