// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { TestNode } from './tests/test-node';

jest.setTimeout(60_000);

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
