// SPDX-License-Identifier: GPL-2.0-only
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, jest, test } from '@jest/globals';
import { noLabels } from '@lockstep/domain/labels';
import { parseClusterName, parseKernelBuildId, parseNodeName } from '@lockstep/domain/livepatch-model';
import type { NodeRecord } from '@lockstep/io/database';
import { pino } from 'pino';
import { AgentSessions } from '../agents/agent-sessions';
import { KnownLogs } from '../agents/known-logs';
import { KnownNodes } from '../agents/known-nodes';
import { ChangeNotifier } from '../change-notifier';
import { OpenCalls } from '../grpc/open-calls';
import { FollowOthers } from './follow-others';

jest.setTimeout(20_000);

const name = parseNodeName('n1');
const log = pino({ level: 'silent' });
const here = 'ours';

const row: NodeRecord = {
  ...{ name, cluster: parseClusterName('web'), kernelBuild: parseKernelBuildId('ab'.repeat(20)), kernelRelease: '' },
  ...{ agentVersion: '', bootId: 'b1', patchedCore: false, entryVersions: [], certificateFingerprint: 'f' },
  ...{ labels: { reported: noLabels, assigned: noLabels }, labelsRevision: 0, report: null, lastSeenAt: null },
  ...{ sessionEpoch: 1, revokedAt: null, replica: here },
};

test('what nobody announced, or nobody heard, is found by looking: a revoked certificate ends its calls here', async () => {
  let written: NodeRecord[] = [];
  const nodes = new KnownNodes({ store: { list: async () => [row] } as never, replica: here, log });
  await nodes.start();
  const calls = new OpenCalls();
  const silent = { id: here, start: async () => undefined, stop: async () => undefined, isAlive: () => false };
  const others = new FollowOthers({
    store: {
      nodeChanges: async (since) => ({ nodes: since === null ? [] : written, horizon: 1n }),
      labelRevisions: async () => new Map(),
    },
    replica: silent as never,
    ...{ nodes, calls, log, sessions: new AgentSessions(), changes: new ChangeNotifier() },
    tokens: { readAgain: async () => undefined },
    deriver: { noticeNode: () => undefined, takeOver: () => undefined },
    webhooks: { request: () => undefined },
    logs: new KnownLogs({ entries: async () => [] }),
    rollouts: { wake: () => undefined } as never,
  });
  await others.note();
  await others.start();
  const call = calls.open(new EventEmitter(), 'stream', name);
  written = [{ ...row, revokedAt: new Date() }];
  // Well before everything is looked through.
  await Promise.race([once(call.signal, 'abort'), sleep(7_000, undefined, { ref: false })]);
  await others.stop();
  await nodes.stop();
  expect(call.signal.reason).toMatchObject({ reason: 'certificate-revoked' });
  expect(nodes.require(name).revokedAt).not.toBeNull();
});
