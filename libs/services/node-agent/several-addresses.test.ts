// SPDX-License-Identifier: GPL-2.0-only
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { TestControlPlane } from './test-control-plane';
import { TestNode } from './tests/test-node';

let node: TestNode;
let second: TestControlPlane;

beforeEach(async () => {
  node = await TestNode.create();
  second = node.plane.beside();
  await second.start();
});
afterEach(async () => {
  await node.remove();
  second.stop();
});

test('an agent that knows several control planes goes on to the next one whenever the one that it speaks with is gone', async () => {
  const planes = [node.plane, second];
  node.plane.toldAddress = planes.map(({ agentPort }) => `0.0.0.0:${agentPort}`).join(',');
  await node.startAgent();
  const connected = () => planes.filter((plane) => plane.connected);
  for (let turn = 0; turn < 3; turn += 1) {
    await node.until('a stream', () => connected().length === 1);
    const [server] = connected();
    server!.stop();
    const other = planes.find((plane) => plane !== server)!;
    await node.until('a stream with the other one', () => other.connected);
    await server!.start();
  }
  expect(node.plane.enrolments).toBe(1);
});
