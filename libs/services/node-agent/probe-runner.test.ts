// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ProbeVerdict } from '@lockstep/contracts/generated';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { TestNode } from './tests/test-node';

let node: TestNode;
let list: string;
/** What the command says. */
const answer = (): string => path.join(node.folder, 'answer');

beforeEach(async () => {
  node = await TestNode.create();
  const program = path.join(node.folder, 'answers');
  writeFileSync(program, '#!/bin/sh\nread code < "$1"; exit "$code"\n', { mode: 0o755 });
  writeFileSync(answer(), '0\n');
  list = path.join(node.folder, 'probes.json');
  const sha256 = sha256OfBytes(readFileSync(program));
  writeFileSync(list, JSON.stringify({ commands: { ok: { run: [program, answer()], sha256 } } }), { mode: 0o644 });
});
afterEach(() => node.remove());

/** The last report's verdicts, in one line. */
const reported = (): string =>
  (node.plane.lastReport?.probes ?? [])
    .map(({ probe, verdict, position }) => `${probe} ${ProbeVerdict[verdict].slice(14).toLowerCase()}@${position}`)
    .join(', ');

const until = (expected: string): Promise<void> => node.until(expected, () => reported() === expected);

test('what is ordered is run where the node is, again where it was brought, and told with each report', async () => {
  node.plane.append('a', 'abc');
  await node.startAgent({ probeCommandsFile: list });
  await node.inStep(0);
  node.plane.probe({ probes: ['command=ok', 'command=other'], everyMs: 1_000, timeoutMs: 30_000 });
  await until('command=ok pass@0, command=other error@0');
  expect(node.plane.lastReport?.probes[1]?.message).toMatch(/lists no command "other"/);
  node.plane.probe({ probes: ['command=ok'], everyMs: 3_600_000, timeoutMs: 30_000 });
  await until('command=ok pass@0');
  writeFileSync(answer(), '1\n');
  // Nobody waits an hour for what the patch has done.
  node.plane.moveTo(1);
  await until('command=ok fail@1');
  node.plane.probe({ probes: [], everyMs: 0, timeoutMs: 0 });
  await until('');
});

test('what changes is told; an error says how often in a row it has come to that', async () => {
  await node.startAgent({ probeCommandsFile: list });
  await node.inStep(0);
  node.plane.probe({ probes: ['command=ok'], everyMs: 1_000, timeoutMs: 30_000 });
  await until('command=ok pass@0');
  writeFileSync(answer(), '75\n');
  await node.until(
    'three errors',
    () => (node.plane.lastReport?.probes[0]?.inARow ?? 0) >= 3 && reported() === 'command=ok error@0',
  );
  writeFileSync(answer(), '0\n');
  await until('command=ok pass@0');
});

test('what is no probe of this node is not done, whoever orders it', async () => {
  await node.startAgent({ probeCommandsFile: list });
  await node.inStep(0);
  node.plane.probe({ probes: ['http=http://192.0.2.1/', 'command=/bin/sh'], everyMs: 1_000, timeoutMs: 30_000 });
  await until('http=http://192.0.2.1/ error@0, command=/bin/sh error@0');
  expect(node.plane.lastReport?.probes.map(({ message }) => message)).toEqual([
    expect.stringContaining('only the node itself'),
    expect.stringContaining('small letters'),
  ]);
});
