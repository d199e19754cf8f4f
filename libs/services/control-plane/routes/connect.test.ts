// SPDX-License-Identifier: GPL-2.0-only
import { Readable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { Hello } from '@lockstep/contracts/generated';
import { noLabels } from '@lockstep/domain/labels';
import { parseClusterName, parseKernelBuildId, parseNodeName } from '@lockstep/domain/livepatch-model';
import type { NodeRecord } from '@lockstep/io/database';
import { pino } from 'pino';
import { Admission } from '../agents/admission';
import { AgentSessions } from '../agents/agent-sessions';
import { KnownLogs } from '../agents/known-logs';
import type { NodeSession } from '../agents/node-session';
import { connect } from './connect';

const node: NodeRecord = {
  ...{ name: parseNodeName('n1'), cluster: parseClusterName('web'), certificateFingerprint: '', report: null },
  ...{ kernelBuild: parseKernelBuildId('ab'.repeat(20)), kernelRelease: '', agentVersion: '', bootId: 'b1' },
  ...{ patchedCore: false, entryVersions: [], sessionEpoch: 7, lastSeenAt: null, revokedAt: null, replica: null },
  ...{ labels: { reported: noLabels, assigned: noLabels }, labelsRevision: 0 },
};

test('a stream that broke while its node was being welcomed takes no living one’s place', async () => {
  const sessions = new AgentSessions();
  const closed: unknown[] = [];
  const log = { cluster: node.cluster, kernelBuild: node.kernelBuild };
  const living = { node: node.name, log, bootId: 'b1', close: (error: unknown) => closed.push(error) };
  const abort = new AbortController();
  const nodes = {
    // It breaks just then, and the agent has come again.
    introduce: () => {
      sessions.enter(living as unknown as NodeSession);
      abort.abort(new Error('it broke'));
      return Promise.resolve(node);
    },
  };
  const rollouts = { wake: () => undefined, noticeDeparture: () => undefined };
  const logs = new KnownLogs({ entries: () => Promise.resolve([]) });
  const admission = new Admission({ mostAtOnce: 1, windowMs: () => 0 });
  const services = { nodes, logs, admission, sessions, rollouts, log: pino({ level: 'silent' }), authority: {} };
  const hello = Hello.fromPartial({ kernelBuildId: 'ab'.repeat(20), bootId: 'b1' });
  const call = Object.assign(Readable.from([{ message: { $case: 'hello', value: hello } }]), { write: () => true });
  await expect(connect(services as never, node, call, abort)).rejects.toThrow('it broke');
  expect(closed).toEqual([]);
  expect(sessions.find(node.name)).toBe(living);
});
