// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, jest, test } from '@jest/globals';
import { parseClusterName, parseNodeName } from '@lockstep/domain/livepatch-model';
import { pino } from 'pino';
import { AgentSessions } from '../agents/agent-sessions';
import { FleetReturn } from '../agents/fleet-return';
import { soleReplica } from '../replicas/replica';
import { SilenceWatch } from './silence-watch';

const gone = { name: parseNodeName('gone'), cluster: parseClusterName('web'), lastSeenAt: new Date(0) };

afterEach(() => {
  jest.restoreAllMocks();
});

test('a control plane that was away for days takes nobody out before its time to return has passed', async () => {
  const sessions = new AgentSessions();
  const removed: string[] = [];
  let looks = 0;
  const nodes = {
    size: 1,
    list: () => [gone],
    find: () => gone,
    silent: () => {
      looks += 1;
      return Promise.resolve([gone.name]);
    },
    removeSilent: (name: string) => Promise.resolve((removed.push(name), gone)),
  };
  const returns = new FleetReturn({ nodes: nodes as never, sessions, returnGraceMs: 200 });
  const watch = new SilenceWatch({
    ...({ nodes, sessions, rollouts: { returns, wake: () => undefined } } as never as ConstructorParameters<
      typeof SilenceWatch
    >[0]),
    ...{ replica: soleReplica(), log: pino({ level: 'silent' }), checkEveryMs: 5 },
  });
  // The clock stands until the test moves it, so that there are looks before the time is over, however slow the machine is.
  const clock = jest.spyOn(performance, 'now').mockReturnValue(0);
  const settleMs = returns.start(0);
  watch.start();
  try {
    clock.mockReturnValue(settleMs - 1);
    const before = looks;
    // The one that has begun last may not be over.
    while (looks < before + 3) await sleep(5);
    expect(removed).toEqual([]);
    clock.mockReturnValue(settleMs);
    while (removed.length === 0) await sleep(5);
    expect(removed).toContain('gone');
  } finally {
    await watch.stop();
  }
});
