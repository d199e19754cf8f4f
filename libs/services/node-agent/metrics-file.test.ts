// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { NodeReport, NodeStatus } from '@lockstep/contracts/generated';
import type { ClusterName } from '@lockstep/domain/livepatch-model';
import { metricsText } from './metrics-text';
import { TestNode } from './tests/test-node';

let node: TestNode;
let file: string;

beforeEach(async () => {
  node = await TestNode.create();
  file = path.join(node.folder, 'textfile', 'lockstep.prom');
  mkdirSync(path.dirname(file));
});
afterEach(() => node.remove());

const tells = (line: string): boolean => existsSync(file) && readFileSync(file, 'utf8').split('\n').includes(line);

test('an agent writes how its node is, for another user to read, and takes it away when it ends', async () => {
  // As its unit of systemd has it.
  const umask = process.umask(0o077);
  const agent = await node.startAgent({ metricsFile: file });
  await node.until('in step and connected', () => {
    return tells('lockstep_agent_status{status="in-step"} 1') && tells('lockstep_agent_connected 1');
  });
  expect(tells('lockstep_agent_status{status="failed"} 0')).toBe(true);
  expect(tells('lockstep_agent_info{version="1.2.3"} 1')).toBe(true);
  process.umask(umask);
  expect(statSync(file).mode & 0o777).toBe(0o644);
  node.plane.stop();
  await node.until('not connected', () => tells('lockstep_agent_connected 0'));
  await agent.stop();
  expect(readdirSync(path.dirname(file))).toEqual([]);
});

test('a folder that is not there is said once, and ends nothing', async () => {
  rmSync(path.dirname(file), { recursive: true });
  await node.startAgent({ metricsFile: file });
  const said = (): string[] => node.logLines.filter((line) => line.includes('cannot write the metrics file'));
  await node.until('it is said', () => said().length > 0);
  mkdirSync(path.dirname(file));
  await node.until('it is written after all', () => tells('lockstep_agent_connected 1'));
  expect(said()).toHaveLength(1);
});

test('a control plane that says no more where the load order ends is noticed by the machine itself, which goes on', async () => {
  const { plane } = node;
  plane.append('a', 'abc');
  await node.startAgent({ metricsFile: file });
  await node.until('the log', () => plane.lastReport?.headSeq === 1);
  plane.moveTo(1);
  await node.inStep(1);
  plane.tellHead({ lifeMs: 100 });
  await node.until('it is overdue', () => plane.lastReport?.heardHead?.expired === true);
  await node.until('it is logged', () => node.logLines.some((line) => line.startsWith('error no newer word')));
  expect(plane.lastReport).toMatchObject({ status: NodeStatus.NODE_STATUS_IN_STEP, position: 1 });
  expect(await node.held()).toBe('lockstep_a');
  plane.tellHead({ lifeMs: 24 * 3_600_000 });
  await node.until('it is heard', () => plane.lastReport?.heardHead?.expired === false);
  const { expiresAtMs } = plane.lastReport!.heardHead!;
  await node.until('it is told', () => tells(`lockstep_agent_log_head_expires_timestamp_seconds ${expiresAtMs / 1e3}`));
  // One of another log changes nothing: what was heard goes on to age.
  plane.tellHead({ lifeMs: 30 * 3_600_000, cluster: 'db' as ClusterName });
  await node.until('it is refused', () => plane.lastReport?.heardHead?.refused === 'wrong-log');
  expect(plane.lastReport?.heardHead?.expiresAtMs).toBe(expiresAtMs);
});

test('the alerts about agents ask for what agents tell', () => {
  const rules = readFileSync('docs/operating/monitoring/lockstep-agent-rules.yml', 'utf8');
  const asked = Array.from(rules.matchAll(/\blockstep_agent_\w+/g), ([name]) => name);
  const report = NodeReport.fromPartial({ heardHead: { expiresAtMs: 1 } });
  const told = metricsText({ report, isConnected: true, agentVersion: '1' });
  expect(asked.length).toBeGreaterThan(0);
  for (const name of asked) expect(told).toContain(`# TYPE ${name} gauge`);
});
