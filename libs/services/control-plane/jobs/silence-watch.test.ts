// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseClusterName, parseNodeName } from '@lockstep/domain/livepatch-model';
import { pino } from 'pino';
import { AgentSessions } from '../agents/agent-sessions';
import { FleetReturn } from '../agents/fleet-return';
import { soleReplica } from '../replicas/replica';
import { SilenceWatch } from './silence-watch';

const gone = { name: parseNodeName('gone'), cluster: parseClusterName('web'), lastSeenAt: new Date(0) };

test('a control plane that was away for days takes nobody out before its time to return has passed', async () => {
  const sessions = new AgentSessions();
  const removed: string[] = [];
  const nodes = {
    size: 1,
    list: () => [gone],
    find: () => gone,
    silent: () => Promise.resolve([gone.name]),
    removeSilent: (name: string) => Promise.resolve((removed.push(name), gone)),
  };
  const returns = new FleetReturn({ nodes: nodes as never, sessions, returnGraceMs: 200 });
  const watch = new SilenceWatch({
    ...({ nodes, sessions, rollouts: { returns, wake: () => undefined } } as never as ConstructorParameters<
      typeof SilenceWatch
    >[0]),
    ...{ replica: soleReplica(), log: pino({ level: 'silent' }), checkEveryMs: 20 },
  });
  const settleMs = returns.start(performance.now());
  watch.start();
  try {
    await new Promise((resolve) => setTimeout(resolve, settleMs / 2));
    expect(removed).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    expect(removed).toContain('gone');
  } finally {
    await watch.stop();
  }
});
