// SPDX-License-Identifier: GPL-2.0-only
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { NodeStatus } from '@lockstep/contracts/generated';
import { DirectoryKernel } from '@lockstep/testing/directory-kernel';
import { NodeAgent, type NodeAgentOptions } from './node-agent';
import { sayShutdown } from './say-shutdown';
import { TestControlPlane } from './test-control-plane';

// One agent, its state and a kernel that crashes: what it does at each boot.

const { NODE_STATUS_IN_STEP: inStep, NODE_STATUS_QUARANTINED: quarantined, NODE_STATUS_MOVING: moving } = NodeStatus;

let plane: TestControlPlane;
let folder: string;
let kernel: DirectoryKernel;
let agent: NodeAgent;

const stateDir = (): string => path.join(folder, 'state');
const journalText = (): string => {
  const journals = path.join(stateDir(), 'journals');
  return readdirSync(journals)
    .map((name) => readFileSync(path.join(journals, name), 'utf8'))
    .join('');
};
const holdFile = (): string => path.join(folder, 'hold');

const makeAgent = (options: Partial<NodeAgentOptions> = {}): NodeAgent =>
  new NodeAgent({
    stateDir: stateDir(),
    kernel,
    enrolment: { server: plane.address, joinToken: plane.joinToken() },
    agentVersion: '1.2.3',
    log: () => undefined,
    holdFile: holdFile(),
    lookEveryMs: 30,
    heartbeatMs: 100,
    onFatal: (error) => {
      throw error;
    },
    ...options,
  });

async function startAgent(options: Partial<NodeAgentOptions> = {}): Promise<void> {
  agent = makeAgent(options);
  await agent.start();
}

beforeEach(async () => {
  plane = await TestControlPlane.create();
  await plane.start();
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-crash-guard-'));
  const { kernelBuild } = plane.log;
  kernel = await DirectoryKernel.create(path.join(folder, 'kernel'), { kernelBuild, release: '6.1.0-test' });
  await startAgent();
});

afterEach(async () => {
  await agent.stop();
  plane.remove();
  rmSync(folder, { recursive: true });
});

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within 60 s: ${what}; ${JSON.stringify(plane.lastReport)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const reported = (status: NodeStatus, target: number): Promise<void> =>
  until(`${NodeStatus[status]} with target ${target}`, () => {
    return plane.lastReport?.status === status && plane.lastReport.target === target;
  });

async function moveTo(seq: number, status = inStep): Promise<void> {
  await until('a session', () => plane.connected);
  plane.offer();
  plane.moveTo(seq);
  await reported(status, seq);
}

const held = async (): Promise<string> => (await kernel.observe()).map(({ module }) => module).join('<');
const bootId = async (): Promise<string> => (await kernel.identity()).bootId;

/** The agent has no say in it. @returns the boot that ended */
async function crash(): Promise<string> {
  const crashed = await bootId();
  await agent.stop();
  await kernel.reboot();
  plane.reports.length = 0;
  await startAgent();
  return crashed;
}

describe('a host that does not survive a load', () => {
  test('loads what was stable before, and nothing from that entry on; the report names entry and boots', async () => {
    plane.append('a', 'abc', [], { stableMs: 1000 });
    await moveTo(1);
    await until('stable', () => journalText().includes('"stable"'));
    plane.append('b', 'x');
    plane.append('c', 'y');
    await moveTo(3);
    const crashed = await crash();
    await reported(quarantined, 3);
    await until('the stable one', async () => (await held()) === 'lockstep_a');
    expect(plane.lastReport).toMatchObject({
      problem: { reason: 'quarantined', message: expect.stringContaining('#2 (b)') },
      quarantine: {
        ...{ seq: 2, crashedBootId: crashed, foundBootId: await bootId() },
        ...{ evidence: 'no-clean-shutdown', released: false },
      },
    });
  });

  test('is no host that was shut down in order, however slow it was just then', async () => {
    plane.append('a', 'abc');
    await moveTo(1);
    const conflicts = kernel.conflicts.bind(kernel);
    let isAsked = false;
    jest.spyOn(kernel, 'conflicts').mockImplementation(async () => {
      isAsked = true;
      await new Promise((resolve) => setTimeout(resolve, 4000));
      return conflicts();
    });
    await until('a look', () => isAsked);
    await agent.stop('machine-stops');
    jest.restoreAllMocks();
    await kernel.reboot();
    plane.reports.length = 0;
    await startAgent();
    await reported(inStep, 1);
    expect(await held()).toBe('lockstep_a');
  });

  test('the next boot leaves it alone too, and so does one that ended in order', async () => {
    plane.append('a', 'abc');
    await moveTo(1);
    const crashed = await crash();
    await reported(quarantined, 1);
    await sayShutdown({ stateDir: stateDir(), kernel });
    await crash();
    await reported(quarantined, 1);
    expect(await held()).toBe('');
    expect(plane.lastReport?.quarantine?.crashedBootId).toBe(crashed);
  });

  test('goes on when the entry is retired', async () => {
    plane.append('a', 'abc');
    await moveTo(1);
    await crash();
    await reported(quarantined, 1);
    plane.retire(1);
    plane.append('b', 'x');
    await moveTo(3);
    expect(await held()).toBe('lockstep_b');
    expect(plane.lastReport?.quarantine).toBeUndefined();
  });

  test('goes on when an operator says so, once for each crash: the same word again changes nothing', async () => {
    plane.append('a', 'abc');
    await moveTo(1);
    const first = await crash();
    await reported(quarantined, 1);
    plane.release(first);
    await reported(inStep, 1);
    expect(await held()).toBe('lockstep_a');
    expect(plane.lastReport?.quarantine).toMatchObject({ seq: 1, released: true });
    await crash();
    await reported(quarantined, 1);
    plane.release(first);
    await until('an answer', () => plane.reports.length > 3);
    expect(plane.lastReport?.status).toBe(quarantined);
    expect(await held()).toBe('');
  });

  test('a panic that the kernel left a record of counts, whatever was said on the way down', async () => {
    plane.append('a', 'abc');
    await moveTo(1);
    await sayShutdown({ stateDir: stateDir(), kernel });
    await kernel.change({ panicsAtMs: [Date.now() + 1000] });
    await crash();
    await reported(quarantined, 1);
    expect(plane.lastReport?.quarantine?.evidence).toBe('panic');
  });
});

test('an ordinary shutdown within the stable time is no crash: SIGTERM from a machine that stops, or a word beside the agent', async () => {
  plane.append('a', 'abc');
  await moveTo(1);
  await agent.stop('machine-stops');
  await kernel.reboot();
  await startAgent();
  await until('the stack', async () => (await held()) === 'lockstep_a');
  await sayShutdown({ stateDir: stateDir(), kernel });
  await crash();
  await reported(inStep, 1);
  expect(await held()).toBe('lockstep_a');
});

test('a shutdown that did not come about is taken back by the next agent of the same boot', async () => {
  plane.append('a', 'abc');
  await moveTo(1);
  await agent.stop('machine-stops');
  await startAgent();
  await crash();
  await reported(quarantined, 1);
});

/** An agent that waits in its start until it is let go. */
async function startHalfWay(): Promise<{ readonly started: Promise<unknown>; readonly letGo: () => void }> {
  let letGo = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const recover = jest.spyOn(kernel, 'recover').mockImplementation(() => gate);
  agent = makeAgent();
  const started = agent.start().catch((error: unknown) => error);
  await until('it waits', () => recover.mock.calls.length > 0);
  jest.restoreAllMocks();
  return { started, letGo };
}

describe('an agent that is stopped while it starts', () => {
  test('begins nothing any more', async () => {
    plane.append('a', 'abc');
    await moveTo(1);
    await agent.stop('machine-stops');
    await kernel.reboot();
    const { started, letGo } = await startHalfWay();
    const stopped = agent.stop();
    letGo();
    await stopped;
    expect(await started).toMatchObject({ kind: 'cancelled', reason: 'stopping' });
    expect([agent.view, await held()]).toEqual([undefined, '']);
  });

  test('says that its machine was shut down in order', async () => {
    plane.append('a', 'abc');
    await moveTo(1);
    await agent.stop();
    const { started, letGo } = await startHalfWay();
    const stopped = agent.stop('machine-stops');
    letGo();
    await Promise.all([started, stopped]);
    await kernel.reboot();
    plane.reports.length = 0;
    await startAgent();
    await reported(inStep, 1);
  });
});

describe('hold', () => {
  test('a file makes the agent only look: it takes in what it is sent and loads nothing, until the file is gone', async () => {
    writeFileSync(holdFile(), '');
    plane.append('a', 'abc');
    await moveTo(1, moving);
    await until('the reason', () => plane.lastReport?.problem?.reason === 'hold');
    expect(await held()).toBe('');
    rmSync(holdFile());
    await reported(inStep, 1);
  });

  test.each(['ro lockstep.hold quiet', 'lockstep.hold=1'])(
    'so does "%s" on the kernel’s command line',
    async (line) => {
      await kernel.change({ commandLine: line });
      plane.append('a', 'abc');
      await moveTo(1, moving);
      await until('the reason', () => plane.lastReport?.problem?.message.includes('command line') === true);
      expect(await held()).toBe('');
    },
  );

  test('lockstep.hold=0 does not', async () => {
    await kernel.change({ commandLine: 'lockstep.hold=0 lockstep.holdup' });
    plane.append('a', 'abc');
    await moveTo(1);
  });
});

test('an entry of a version from the future is not readable, which is no fork; what came before it is taken', async () => {
  plane.append('a', 'abc');
  await moveTo(1);
  plane.append('b', 'x');
  plane.offerOfVersion(99);
  await until('the reason', () => plane.lastReport?.problem?.reason === 'entry-not-readable');
  expect(plane.lastReport).toMatchObject({ status: NodeStatus.NODE_STATUS_FAILED, headSeq: 1, position: 1 });
  plane.offer();
  await until('an answer', () => plane.reports.length > 5);
  expect(plane.lastReport?.status).toBe(NodeStatus.NODE_STATUS_FAILED);
});

test('the same module name with other bytes is unloaded and loaded, and the report says which bytes it is', async () => {
  const [first] = [plane.append('a', 'abc')];
  await moveTo(1);
  plane.retire(1);
  const again = plane.append('a', 'abc', [], { filler: 'built anew' });
  const shaOf = ({ body }: typeof first): string => (body.kind === 'load' ? body.artifact.sha256 : '');
  expect(plane.lastReport?.stack.map(({ artifactSha256 }) => artifactSha256)).toEqual([shaOf(first)]);
  const unload = jest.spyOn(kernel, 'unload');
  const load = jest.spyOn(kernel, 'load');
  await moveTo(3);
  // Of what is between the two a report may tell, or not: they are paced.
  const [unloaded, loaded] = [unload, load].map(({ mock }) => mock.invocationCallOrder);
  expect([unloaded, loaded].map((calls) => calls?.length)).toEqual([1, 1]);
  expect(unloaded?.[0]).toBeLessThan(loaded?.[0] ?? 0);
  expect(plane.lastReport?.stack.map(({ artifactSha256 }) => artifactSha256)).toEqual([shaOf(again)]);
});
