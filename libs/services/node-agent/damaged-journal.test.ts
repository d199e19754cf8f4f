// SPDX-License-Identifier: GPL-2.0-only
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { NodeStatus } from '@lockstep/contracts/generated';
import { DirectoryKernel } from '@lockstep/testing/directory-kernel';
import { NodeAgent } from './node-agent';
import { TestControlPlane } from './test-control-plane';

// An agent whose journal does not verify: it knows nothing that it may act on, and still says so.

let plane: TestControlPlane;
let folder: string;
let kernel: DirectoryKernel;
let agent: NodeAgent;
let logLines: string[] = [];

async function startAgent(): Promise<void> {
  agent = new NodeAgent({
    stateDir: path.join(folder, 'state'),
    kernel,
    enrolment: { server: plane.address, joinToken: plane.joinToken() },
    agentVersion: '1.2.3',
    log: (level, message, fields) => logLines.push(`${level} ${message} ${JSON.stringify(fields)}`),
    lookEveryMs: 30,
    heartbeatMs: 100,
    onFatal: (error) => logLines.push(`fatal ${String(error)}`),
  });
  await agent.start();
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within 60 s: ${what}\n${logLines.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const untilReported = (status: NodeStatus): Promise<void> =>
  until(NodeStatus[status], () => plane.lastReport?.status === status);

const journalFile = (): string => {
  const journals = path.join(folder, 'state', 'journals');
  return path.join(journals, readdirSync(journals)[0]!);
};

const held = async (): Promise<string> => (await kernel.observe()).map((patch) => patch.module).join('<');

/** In step with A, then stopped; B is there to be taken. */
beforeEach(async () => {
  logLines = [];
  plane = await TestControlPlane.create();
  await plane.start();
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-damaged-journal-'));
  const { kernelBuild } = plane.log;
  kernel = await DirectoryKernel.create(path.join(folder, 'kernel'), { kernelBuild, release: '6.1.0-test' });
  plane.append('a', 'abc');
  await startAgent();
  await untilReported(NodeStatus.NODE_STATUS_IN_STEP);
  plane.moveTo(1);
  await until('A', () => plane.lastReport?.position === 1);
  await agent.stop();
  plane.reports.length = 0;
  plane.hellos.length = 0;
});

afterEach(async () => {
  await agent.stop();
  plane.remove();
  rmSync(folder, { recursive: true });
});

const damages: Readonly<Record<string, (text: string) => string>> = {
  'a byte that changed': (text) => text.replace('lockstep_a', 'lockstep_x'),
  'a file that is none of ours': () => 'something else\n',
  'nothing in it': () => '',
};

test.each(Object.keys(damages))(
  '%s: it connects, reports the damage and what to do, and takes nothing in',
  async (how) => {
    const damaged = damages[how]!(readFileSync(journalFile(), 'utf8'));
    writeFileSync(journalFile(), damaged);
    plane.append('b', 'ad', [1]);
    await startAgent();
    await untilReported(NodeStatus.NODE_STATUS_FAILED);
    expect(plane.hellos[0]).toMatchObject({ headSeq: 0, headHash: '0'.repeat(64) });
    plane.offer();
    plane.moveTo(2);
    plane.reports.length = 0;
    await until('more reports', () => plane.reports.length > 3);
    expect(plane.lastReport).toMatchObject({
      status: NodeStatus.NODE_STATUS_FAILED,
      ...{ position: 0, target: 0, headSeq: 0 },
      problem: {
        reason: 'journal-damaged',
        message: expect.stringMatching(/\.journal is damaged .* or remove it and reboot/),
      },
      stack: [{ moduleName: 'lockstep_a', artifactSha256: '' }],
    });
    expect(logLines).toContainEqual(expect.stringMatching(/^error .*journal-damaged/));
    expect(await held()).toBe('lockstep_a');
    expect(readFileSync(journalFile(), 'utf8')).toBe(damaged);
    // The kernel is still looked at.
    await kernel.unload('lockstep_a' as never);
    await until('the empty stack', () => plane.lastReport?.stack.length === 0);
  },
);

/** As a newer agent would have written it. */
const newer = (text: string): string =>
  text.replace(/^[0-9a-f]{8} (.*"version":)\d+(.*)$/m, (_, before: string, after: string) => {
    const body = `${before}99${after}`;
    return `${crc32(body).toString(16).padStart(8, '0')} ${body}`;
  });

test('one that a newer agent wrote: the older one connects, says what to install, and changes nothing', async () => {
  const before = readFileSync(journalFile(), 'utf8');
  const text = newer(before);
  expect(text).not.toBe(before);
  writeFileSync(journalFile(), text);
  await startAgent();
  await untilReported(NodeStatus.NODE_STATUS_FAILED);
  expect(plane.lastReport?.problem).toMatchObject({
    reason: 'journal-not-readable',
    message: expect.stringMatching(/newer agent wrote .* version 99; this program reads .*: install a newer one/),
  });
  expect(await held()).toBe('lockstep_a');
  expect(readFileSync(journalFile(), 'utf8')).toBe(text);
});

test('a kernel that answers slowly is asked by one look at a time', async () => {
  writeFileSync(journalFile(), 'something else\n');
  let [looks, atOnce, most] = [0, 0, 0];
  const conflicts = kernel.conflicts.bind(kernel);
  jest.spyOn(kernel, 'conflicts').mockImplementation(async () => {
    looks += 1;
    most = Math.max(most, ++atOnce);
    await new Promise((resolve) => setTimeout(resolve, 200));
    atOnce -= 1;
    return conflicts();
  });
  await startAgent();
  await until('three looks', () => looks > 2);
  expect(most).toBe(1);
});

test('a load order of another signer is reported in the same way; once the file is gone, a reboot brings all back', async () => {
  const other = await TestControlPlane.create();
  const identity = path.join(folder, 'state', 'identity.json');
  const genuine = readFileSync(identity, 'utf8');
  const known = JSON.parse(genuine) as object;
  writeFileSync(identity, JSON.stringify({ ...known, logPublicKey: other.authority.logSigner.publicKeyPem }));
  other.remove();
  await startAgent();
  await untilReported(NodeStatus.NODE_STATUS_FAILED);
  expect(plane.lastReport!.problem).toMatchObject({
    reason: 'journal-damaged',
    message: expect.stringMatching(/bad-signature.* remove it and reboot/),
  });
  await agent.stop('machine-stops');
  writeFileSync(identity, genuine);
  rmSync(journalFile());
  await kernel.reboot();
  await startAgent();
  await untilReported(NodeStatus.NODE_STATUS_IN_STEP);
  plane.moveTo(1);
  await until('A again', async () => (await held()) === 'lockstep_a');
});
