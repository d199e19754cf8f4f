// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NodeReport, NodeStatus } from '@lockstep/contracts/generated';
import { nodeStatusToWire } from '@lockstep/contracts/wire';
import {
  parseClusterName,
  parseKernelBuildId,
  parseSeq,
  type NodeName,
  type NodeStatus as Status,
} from '@lockstep/domain/livepatch-model';
import { openCertificateAuthority, type CertificateAuthority } from '@lockstep/io/certificates';
import { Registry } from '@lockstep/io/monitoring-port';
import { temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { FleetGauges, type FleetGaugesParts } from './fleet-gauges';

const nowMs = Date.parse('2030-01-01T00:00:10Z');
const kernelBuild = parseKernelBuildId('ab'.repeat(20));

let folder: TemporaryFolder;
let authority: CertificateAuthority;
beforeAll(async () => {
  folder = await temporaryFolder('gauges');
  authority = await openCertificateAuthority({ dir: folder.path, names: ['localhost'], mayMakeKeys: true });
});
afterAll(() => folder.remove());

interface Some {
  readonly cluster?: string;
  readonly status?: Status | undefined;
  readonly silentMs?: number;
  readonly connected?: boolean;
  readonly isElsewhere?: boolean;
}

function gaugesOf(some: readonly Some[], over: Partial<FleetGaugesParts> = {}) {
  const nodes = some.map(({ cluster = 'web', status, silentMs = 0 }, index) => ({
    ...{ name: `secret-node-${index}`, cluster: parseClusterName(cluster), kernelBuild },
    lastSeenAt: new Date(nowMs - silentMs),
    report: status === undefined ? null : NodeReport.fromPartial({ status: nodeStatusToWire(status) }),
  }));
  const connected = new Set(nodes.flatMap(({ name }, index) => (some[index]?.connected === false ? [] : [name])));
  const here = new Set(
    nodes.flatMap(({ name }, index) => (connected.has(name) && some[index]?.isElsewhere !== true ? [name] : [])),
  );
  const registry = new Registry();
  const gauges = new FleetGauges(registry, {
    nodes: { list: () => nodes as never, unwrittenCount: 3 },
    sessions: {
      isConnected: (name: NodeName) => connected.has(name),
      find: (name: NodeName) => (here.has(name) ? ({} as never) : undefined),
      size: connected.size,
    },
    rollouts: { inForceNow: () => new Map() },
    heads: { list: () => [] },
    logs: { knownEntries: () => [] },
    authority,
    ...over,
  });
  return { registry, gauges };
}

async function scrape(some: readonly Some[], over?: Partial<FleetGaugesParts>): Promise<string[]> {
  const { registry, gauges } = gaugesOf(some, over);
  gauges.collect(nowMs);
  return (await registry.metrics()).split('\n').filter((line) => !line.startsWith('#') && !line.endsWith(' 0'));
}

test('nodes are counted by cluster and by what they reported last, whoever has not reported as silent', async () => {
  const lines = await scrape([
    { status: 'in-step' },
    { status: 'in-step', connected: false, silentMs: 99_000 },
    { status: 'quarantined', silentMs: 4_000 },
    {},
    { cluster: 'db', status: 'moving' },
  ]);
  expect(lines).toEqual(
    expect.arrayContaining([
      'lockstep_nodes{cluster="web",status="in-step"} 2',
      'lockstep_nodes{cluster="web",status="quarantined"} 1',
      'lockstep_nodes{cluster="web",status="silent"} 1',
      'lockstep_nodes{cluster="db",status="moving"} 1',
      'lockstep_nodes_connected{cluster="web"} 3',
      'lockstep_agent_streams 4',
      'lockstep_node_reports_unwritten 3',
      'lockstep_node_report_age_seconds{cluster="web"} 4',
    ]),
  );
});

test('nodes that another control plane holds are connected; how long they have said nothing is known there', async () => {
  const lines = await scrape([{ silentMs: 3_000 }, { silentMs: 500_000, isElsewhere: true }]);
  expect(lines).toEqual(
    expect.arrayContaining([
      'lockstep_nodes_connected{cluster="web"} 2',
      'lockstep_node_report_age_seconds{cluster="web"} 3',
    ]),
  );
});

test('every state that a node can be in is told, also where none is', async () => {
  const { registry, gauges } = gaugesOf([{ status: 'in-step' }]);
  gauges.collect(nowMs);
  const text = await registry.metrics();
  const states = Array.from(text.matchAll(/^lockstep_nodes\{cluster="web",status="([^"]+)"\}/gm), ([, state]) => state);
  // All that the wire knows, and the one of whoever has said nothing.
  expect(states.length).toBe(Object.values(NodeStatus).filter((value) => typeof value === 'number').length);
});

test('a cluster whose last node has gone is not told any more', async () => {
  const nodes = [{ name: 'n1', cluster: 'web', report: null, lastSeenAt: null }];
  const { registry, gauges } = gaugesOf([], { nodes: { list: () => nodes as never, unwrittenCount: 0 } });
  gauges.collect(nowMs);
  expect(await registry.metrics()).toContain('lockstep_nodes{cluster="web"');
  nodes.pop();
  gauges.collect(nowMs);
  expect(await registry.metrics()).not.toContain('cluster="web"');
});

test('nodes that have left their position are counted by what they hold', async () => {
  const stack = [{ moduleName: 'by_hand', enabled: true }];
  const report = NodeReport.fromPartial({ status: nodeStatusToWire('in-step'), stack });
  const node = { name: 'n1', cluster: parseClusterName('web'), kernelBuild, lastSeenAt: new Date(nowMs), report };
  const lines = await scrape([], { nodes: { list: () => [node] as never, unwrittenCount: 0 } });
  expect(lines).toContain('lockstep_nodes_drifted{cluster="web",kind="foreign"} 1');
});

test('when load orders grew and when certificates end', async () => {
  const appendedAt = new Date(nowMs - 10_000);
  const lines = await scrape([], {
    heads: { list: () => [{ cluster: parseClusterName('web'), kernelBuild, seq: parseSeq(1), appendedAt }] },
  });
  expect(lines).toContain(
    `lockstep_log_head_timestamp_seconds{cluster="web",kernel_build="${kernelBuild}"} ${nowMs / 1000 - 10}`,
  );
  const ends = lines.flatMap(
    (line) =>
      /^lockstep_certificate_expiry_timestamp_seconds\{certificate="(ca|server)"\} (\d+)$/.exec(line)?.slice(1) ?? [],
  );
  const day = 24 * 3600;
  const left = ends
    .filter((_, index) => index % 2 === 1)
    .map((end) => Math.round((Number(end) - Date.now() / 1000) / day));
  expect(left).toEqual([3650, 397]);
});

test('ten thousand nodes take no series more than three', async () => {
  const states: Status[] = ['in-step', 'moving', 'failed'];
  const all = (count: number): Some[] => Array.from({ length: count }, (_, index) => ({ status: states[index % 3] }));
  const { registry, gauges } = gaugesOf(all(10_000));
  gauges.collect(nowMs);
  const large = await registry.metrics();
  const few = gaugesOf(all(3));
  few.gauges.collect(nowMs);
  expect(large.split('\n').length).toBe((await few.registry.metrics()).split('\n').length);
  expect(large).not.toContain('secret-node');
});
