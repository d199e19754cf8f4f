// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { NodeStatus } from '@lockstep/contracts/generated';
import { DirectoryKernel } from '@lockstep/testing/directory-kernel';
import type { ModuleName } from '@lockstep/domain/livepatch-model';
import type { LoadBody } from '@lockstep/domain/load-order';
import { NodeAgent, type NodeAgentOptions } from './node-agent';
import { sayShutdown } from './say-shutdown';
import { TestControlPlane } from './test-control-plane';

// TLS, disks and timers on a machine that does other things too.
jest.setTimeout(60_000);

let plane: TestControlPlane;
let folder: string;
let kernel: DirectoryKernel;
let agents: NodeAgent[] = [];
let logLines: string[] = [];

beforeEach(async () => {
  plane = await TestControlPlane.create();
  await plane.start();
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-agent-'));
  kernel = await DirectoryKernel.create(path.join(folder, 'kernel'), {
    kernelBuild: plane.log.kernelBuild,
    release: '6.1.0-test',
  });
  logLines = [];
});

afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  agents = [];
  plane.remove();
  rmSync(folder, { recursive: true });
});

const stateDir = (): string => path.join(folder, 'state');

function makeAgent(options: Partial<NodeAgentOptions> = {}): NodeAgent {
  const agent = new NodeAgent({
    stateDir: stateDir(),
    kernel,
    enrolment: { server: plane.address, joinToken: plane.joinToken() },
    agentVersion: '1.2.3',
    log: (level, message, fields) => logLines.push(`${level} ${message} ${JSON.stringify(fields)}`),
    lookEveryMs: 30,
    heartbeatMs: 100,
    onFatal: (error) => logLines.push(`fatal ${String(error)}`),
    ...options,
  });
  agents.push(agent);
  return agent;
}

async function startAgent(options: Partial<NodeAgentOptions> = {}): Promise<NodeAgent> {
  const agent = makeAgent(options);
  await agent.start();
  return agent;
}

/** The machine is shut down in order, as its init says, and starts again. */
async function reboot(): Promise<void> {
  await sayShutdown({ stateDir: stateDir(), kernel });
  await kernel.reboot();
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${what}\n${logLines.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const held = async (): Promise<string> => (await kernel.observe()).map((patch) => patch.module).join('<');

const untilReported = (status: NodeStatus, position: number): Promise<void> =>
  until(`a report of ${NodeStatus[status]} at ${position}`, () => {
    return plane.lastReport?.status === status && plane.lastReport.position === position;
  });

const inStep = (position: number): Promise<void> => untilReported(NodeStatus.NODE_STATUS_IN_STEP, position);

/** A node in step at the head of a log of A and B, as in the mission. */
async function inStepWithAB(): Promise<NodeAgent> {
  plane.append('a', 'abc');
  plane.append('b', 'ad', [1]);
  const agent = await startAgent();
  await inStep(0);
  plane.moveTo(2);
  await inStep(2);
  return agent;
}

describe('enrolment', () => {
  test('is done once; key and identity are the owner’s alone', async () => {
    await (await startAgent()).stop();
    expect(statSync(stateDir()).mode & 0o777).toBe(0o700);
    for (const file of ['node.key', 'identity.json']) {
      expect(statSync(path.join(stateDir(), file)).mode & 0o777).toBe(0o600);
    }
    await startAgent({ enrolment: { server: '127.0.0.1:1', joinToken: 'not looked at' } });
    await until('hello', () => plane.hellos.length > 0);
    expect(plane.enrolments).toBe(1);
    expect(plane.hellos[0]).toMatchObject({
      agentVersion: '1.2.3',
      kernelBuildId: plane.log.kernelBuild,
      kernelRelease: '6.1.0-test',
      headSeq: 0,
      headHash: '0'.repeat(64),
      patchedCore: true,
    });
  });
  test('sends the secret to no server but the one whose CA the token names', async () => {
    const other = await TestControlPlane.create();
    const joinToken = other.joinToken();
    other.remove();
    const agent = makeAgent({ enrolment: { server: plane.address, joinToken } });
    await expect(agent.start()).rejects.toMatchObject({ kind: 'forbidden', reason: 'wrong-ca' });
    expect(plane.enrolments).toBe(0);
  });
  test('waits for a server that is not there yet', async () => {
    plane.stop();
    const starting = startAgent();
    await until('a first try', () => logLines.some((line) => line.includes('enrolment failed')));
    await plane.start();
    await starting;
    await inStep(0);
  });
  test('an agent that never enrolled says what it needs', async () => {
    const nothing = (): void => undefined;
    const agent = new NodeAgent({ stateDir: stateDir(), kernel, agentVersion: '1', log: nothing, onFatal: nothing });
    agents.push(agent);
    await expect(agent.start()).rejects.toMatchObject({ reason: 'not-enrolled' });
  });
  test('nobody else can hold what keeps a second agent off, neither by its name nor by opening it', async () => {
    mkdirSync(stateDir(), { mode: 0o755 });
    const name = createHash('sha256').update(realpathSync(stateDir())).digest('hex');
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(`\0lockstep-agent-${name}`, resolve));
    try {
      await startAgent();
      await inStep(0);
      expect(statSync(path.join(stateDir(), 'lock')).mode & 0o777).toBe(0o600);
    } finally {
      stranger.close();
    }
  });
  test('two agents never share a state directory', async () => {
    await startAgent();
    await expect(startAgent()).rejects.toMatchObject({ reason: 'agent-running' });
  });
});

describe('following the load order', () => {
  test('takes the log, fetches, loads in order, and reports what the kernel holds', async () => {
    await inStepWithAB();
    expect(await held()).toBe('lockstep_a<lockstep_b');
    expect(plane.lastReport!.kernelConflicts).toMatchObject([
      { function: { name: 'a' }, owners: [{ moduleName: 'lockstep_b' }, { moduleName: 'lockstep_a' }] },
    ]);
    expect(plane.lastReport).toMatchObject({ target: 2, headSeq: 2, headHash: plane.entries[1]!.hash });
    expect(plane.lastReport!.stack.map((patch) => [patch.moduleName, patch.artifactSha256])).toEqual(
      plane.entries.map((entry) => {
        const artifact = entry.body.kind === 'load' ? entry.body.artifact : undefined;
        return [artifact?.moduleName, artifact?.sha256];
      }),
    );
  });
  test('acknowledges a log only by the report that follows its record', async () => {
    await startAgent();
    await inStep(0);
    plane.append('a', 'abc');
    plane.offer();
    await until('the head in a report', () => plane.lastReport?.headSeq === 1);
    expect(plane.lastReport).toMatchObject({ position: 0, target: 0 });
    expect(await held()).toBe('');
  });
  test('a retired patch goes, and its module file with it', async () => {
    await inStepWithAB();
    plane.retire(1);
    plane.offer();
    plane.moveTo(3);
    await inStep(3);
    expect(await held()).toBe('lockstep_b');
    await until('the sweep', () => readdirSync(path.join(stateDir(), 'artifacts')).length === 1);
  });
  test('a stale move changes nothing', async () => {
    await inStepWithAB();
    plane.moveTo(1);
    plane.moveTo(2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await inStep(2);
    expect(await held()).toBe('lockstep_a<lockstep_b');
  });
  test('a forged log is refused and reported, and no move is obeyed with it', async () => {
    await inStepWithAB();
    const genuine = plane.entries;
    const forged = plane.append('c', 'x');
    plane.offer([{ ...forged, signature: genuine[0]!.signature }]);
    plane.moveTo(3);
    await untilReported(NodeStatus.NODE_STATUS_FORKED, 2);
    expect(plane.lastReport).toMatchObject({ headSeq: 2, problem: { reason: 'bad-signature' } });
    expect(await held()).toBe('lockstep_a<lockstep_b');
    plane.offer();
    plane.moveTo(3);
    await inStep(3);
  });
  test('a livepatch loaded by hand is reported and left alone', async () => {
    await inStepWithAB();
    await kernel.loadByHand({ module: 'by_hand' as ModuleName, functions: [] });
    await untilReported(NodeStatus.NODE_STATUS_DIVERGED, 2);
    expect(plane.lastReport!.problem!.message).toContain('by_hand');
    await kernel.unload('by_hand' as ModuleName);
    await inStep(2);
  });
  test('a module the kernel does not take makes the node failed; it comes right when the cause is gone', async () => {
    plane.append('a', 'abc');
    await kernel.change({ refuseLoads: ['lockstep_a'] });
    await startAgent();
    await inStep(0);
    plane.moveTo(1);
    await untilReported(NodeStatus.NODE_STATUS_FAILED, 0);
    expect(plane.lastReport!.problem).toMatchObject({ reason: 'insmod-failed' });
    await kernel.change({ refuseLoads: [] });
    await inStep(1);
  });
  test('what only a change of the host helps is tried once, told, and tried again when the host has changed', async () => {
    plane.append('a', 'abc');
    const held = { kind: 'function-held', at: 'vmlinux:b', by: 'a kprobe' } as const;
    await kernel.change({ obstacles: [held] });
    await startAgent();
    await inStep(0);
    expect(plane.lastReport!.obstacles).toEqual([held]);
    plane.moveTo(1);
    await untilReported(NodeStatus.NODE_STATUS_FAILED, 0);
    expect(plane.lastReport!.problem).toMatchObject({
      reason: 'function-held',
      message: expect.stringContaining('vmlinux:b is taken by a kprobe'),
    });
    const tried = kernel.loadsTried;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(kernel.loadsTried).toBe(tried);
    await kernel.change({ obstacles: [] });
    await inStep(1);
  });
  describe('a transition that a sleeper holds up', () => {
    const sleepers = { lockstep_b: [{ pid: 411, comm: 'cat', function: 'a' }] };
    const blocked = async (): Promise<void> => {
      await untilReported(NodeStatus.NODE_STATUS_FAILED, 1);
      expect(plane.lastReport).toMatchObject({
        target: 2,
        problem: {
          reason: 'transition-timeout',
          message: expect.stringMatching(
            /^Loading lockstep_b did not end within 1000 ms .*: 411 \(cat\) in a\. It is tried again by itself\. Stop or /,
          ),
        },
        lastTransition: { moduleName: 'lockstep_b', blockers: [{ pid: 411, comm: 'cat', function: 'a' }] },
      });
    };
    beforeEach(async () => {
      plane.append('a', 'abc');
      plane.append('b', 'ad', [1], { transitionTimeoutMs: 1000 });
      await kernel.change({ sleepers });
      await startAgent();
      await inStep(0);
      plane.moveTo(2);
      await blocked();
    });

    test('fails when its time is over, naming it; once it has left, the next try succeeds', async () => {
      expect(await held()).toBe('lockstep_a');
      plane.reports.length = 0;
      await until('the next try', async () => (await held()) === 'lockstep_a<lockstep_b' && plane.reports.length > 0);
      // While it is tried again nothing is better: a rollout that looks just then must not take it for that.
      expect(new Set(plane.reports.map(({ status }) => status))).toEqual(new Set([NodeStatus.NODE_STATUS_FAILED]));
      await kernel.change({ sleepers: {} });
      await inStep(2);
    });
    test('does so after a reboot too, without a control plane: the time is in the node’s own log', async () => {
      await agents[0]!.stop();
      plane.stop();
      await reboot();
      const agent = makeAgent();
      await agent.start();
      await until('the failure', () => agent.view?.problem?.reason === 'transition-timeout');
      expect(await held()).toBe('lockstep_a');
      await kernel.change({ sleepers: {} });
      await until('the stack', () => agent.view?.status === 'in-step' && agent.view.position === 2);
    });
    test('does so when the agent was killed meanwhile: the next one waits as long, then takes it back', async () => {
      await agents[0]!.stop();
      await kernel.unload('lockstep_b' as ModuleName, 0).catch(() => undefined);
      const { artifact } = plane.entries[1]!.body as LoadBody;
      const file = path.join(stateDir(), 'artifacts', `${artifact.sha256}.ko`);
      const { moduleName: module, functions, replace } = artifact;
      const mayShadow = ['lockstep_a' as ModuleName];
      kernel.load({ path: file, module, functions, replace, mayShadow, replaces: [] }).catch(() => undefined);
      await until('a transition', async () => (await kernel.observe()).some(({ transition }) => transition));
      plane.reports.length = 0;
      await startAgent();
      await blocked();
    });
  });
  test('who holds a transition up is reported while it goes on, and what came of it afterwards', async () => {
    plane.append('a', 'abc');
    const blockers = [{ pid: 7, comm: 'cat', function: 'a' }];
    const counts = { attempts: 3, windowLastNs: 1, windowMaxNs: 2, checkedOutside: 4, checkedInside: 5, elapsedMs: 6 };
    const pending = { module: 'lockstep_a' as ModuleName, mode: 'system', direction: 'patching', ...counts } as const;
    let isLoaded = false;
    jest
      .spyOn(kernel, 'lastTransition')
      .mockImplementation(() =>
        Promise.resolve({ ...pending, result: isLoaded ? 'switched' : 'pending', blockers: isLoaded ? [] : blockers }),
      );
    const load = kernel.load.bind(kernel);
    jest.spyOn(kernel, 'load').mockImplementation(async (request) => {
      await until('the blocker is told', () => plane.lastReport?.lastTransition?.blockers.length === 1);
      await load(request);
      isLoaded = true;
    });
    await startAgent();
    await inStep(0);
    plane.moveTo(1);
    await inStep(1);
    await until('the end is told', () => plane.lastReport?.lastTransition?.result === 'switched');
    expect(plane.lastReport?.lastTransition).toMatchObject({ moduleName: 'lockstep_a', attempts: 3, blockers: [] });
  });
  test('a look at who holds it up that takes long is not joined by another', async () => {
    plane.append('a', 'abc');
    const lastTransition = kernel.lastTransition.bind(kernel);
    let isLoading = false;
    let [looks, atOnce, most] = [0, 0, 0];
    jest.spyOn(kernel, 'lastTransition').mockImplementation(async () => {
      if (!isLoading) return lastTransition();
      looks += 1;
      most = Math.max(most, ++atOnce);
      await new Promise((resolve) => setTimeout(resolve, 2500));
      atOnce -= 1;
      return undefined;
    });
    const load = kernel.load.bind(kernel);
    jest.spyOn(kernel, 'load').mockImplementation(async (request) => {
      isLoading = true;
      await until('two looks', () => looks > 1);
      isLoading = false;
      await load(request);
    });
    await startAgent();
    await inStep(0);
    plane.moveTo(1);
    await inStep(1);
    expect(most).toBe(1);
  });
  test('who was in the way stays told while the next try has met nobody yet', async () => {
    // Long enough for two looks at one try, which come after one second and after three.
    plane.append('a', 'abc', [], { transitionTimeoutMs: 5000 });
    await kernel.change({ sleepers: { lockstep_a: [{ pid: 7, comm: 'cat', function: 'a' }] } });
    const lastTransition = kernel.lastTransition.bind(kernel);
    let failures = 0;
    let looksAtNextTry = 0;
    jest.spyOn(kernel, 'lastTransition').mockImplementation(async () => {
      const last = await lastTransition();
      if (failures === 0 || last?.result !== 'pending') return last;
      looksAtNextTry += 1;
      return { ...last, blockers: [] };
    });
    const load = kernel.load.bind(kernel);
    jest.spyOn(kernel, 'load').mockImplementation((request) =>
      load(request).catch((error: unknown) => {
        failures += 1;
        throw error;
      }),
    );
    await startAgent();
    await inStep(0);
    plane.moveTo(1);
    await until('the failure', () => plane.lastReport?.problem?.reason === 'transition-timeout');
    plane.reports.length = 0;
    await until('the next try is looked at and told', () => looksAtNextTry > 1 && plane.reports.length > 1);
    expect(plane.reports.map(({ lastTransition }) => lastTransition?.blockers.map(({ pid }) => pid))).toEqual(
      plane.reports.map(() => [7]),
    );
  });
});

describe('fetching modules', () => {
  test('goes on after a broken transfer where it was', async () => {
    plane.append('a', 'abc');
    await startAgent();
    await inStep(0);
    plane.breakDownloadsAfter = 1000;
    plane.moveTo(1);
    await until('a report of a server away', () => plane.lastReport?.problem?.reason === 'server-away');
    // No failure: it would halt a rollout.
    expect(plane.lastReport!.status).toBe(NodeStatus.NODE_STATUS_MOVING);
    plane.breakDownloadsAfter = Infinity;
    await inStep(1);
    expect(plane.downloads.map((download) => download.offset)).toEqual([0, 1000]);
  });
  test('a module that changed on disk is not loaded but fetched again', async () => {
    const agent = await inStepWithAB();
    await agent.stop();
    const artifacts = path.join(stateDir(), 'artifacts');
    for (const file of readdirSync(artifacts)) writeFileSync(path.join(artifacts, file), 'something else');
    await reboot();
    plane.downloads.length = 0;
    plane.reports.length = 0;
    await startAgent();
    await inStep(2);
    expect(plane.downloads).toHaveLength(2);
  });
  test('a module with other bytes than signed is never loaded', async () => {
    const { body } = plane.append('a', 'abc');
    const sha256 = body.kind === 'load' ? body.artifact.sha256 : '';
    const genuine = plane.modules.get(sha256)!;
    plane.modules.set(sha256, Buffer.from(genuine).fill('x', 10, 20));
    await startAgent();
    await inStep(0);
    plane.moveTo(1);
    await untilReported(NodeStatus.NODE_STATUS_FAILED, 0);
    expect(plane.lastReport!.problem).toMatchObject({ reason: 'artifact-damaged' });
    expect(await held()).toBe('');
    plane.modules.set(sha256, genuine);
    await inStep(1);
  });
});

describe('whatever happens to the control plane', () => {
  test('after a reboot the stack is restored without it', async () => {
    const agent = await inStepWithAB();
    await agent.stop();
    plane.stop();
    await reboot();
    await startAgent();
    await until('the stack', async () => (await held()) === 'lockstep_a<lockstep_b');
    await until('in step', () => agents.at(-1)!.view?.status === 'in-step');
    expect(agents.at(-1)!.view?.position).toBe(2);
  });
  test('a server that accepts and never answers holds nothing up, and is tried ever more seldom', async () => {
    const agent = await inStepWithAB();
    await agent.stop();
    const port = plane.agentPort;
    plane.stop();
    await reboot();
    const sockets: Socket[] = [];
    const silent: Server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
    // A try to connect takes 10 s: they pass a hundred times as fast.
    const now = performance.now.bind(performance);
    const sinceMs = now();
    jest.spyOn(performance, 'now').mockImplementation(() => sinceMs + (now() - sinceMs) * 100);
    const pausesMs = (): number[] =>
      logLines.flatMap((line) => [...line.matchAll(/"retryInMs":(\d+)/g)].map(([, ms]) => Number(ms)));
    try {
      logLines = [];
      await startAgent();
      await until('the stack', async () => (await held()) === 'lockstep_a<lockstep_b');
      await until('three tries', () => pausesMs().length >= 3);
      expect(pausesMs()[2]).toBeGreaterThanOrEqual(600);
    } finally {
      jest.restoreAllMocks();
      await agents.at(-1)!.stop();
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });
  test('it comes back: the agent is there again, with what it knows', async () => {
    await inStepWithAB();
    plane.stop();
    await new Promise((resolve) => setTimeout(resolve, 200));
    plane.append('c', 'x');
    plane.hellos.length = 0;
    await plane.start();
    await until('hello', () => plane.hellos.length > 0);
    expect(plane.hellos[0]).toMatchObject({ headSeq: 2, headHash: plane.entries[1]!.hash });
    plane.moveTo(3);
    await inStep(3);
  });
  test('a rejection is not argued with: it tries again later', async () => {
    plane.rejection = 'unknown-node';
    await startAgent();
    await until('two tries', () => plane.hellos.length >= 2);
    expect(logLines.some((line) => line.includes('unknown-node'))).toBe(true);
    plane.rejection = undefined;
    await inStep(0);
  });
  test('another control plane with the same name is not listened to', async () => {
    await inStepWithAB();
    const port = plane.agentPort;
    plane.stop();
    const impostor = await TestControlPlane.create();
    impostor.agentPort = port;
    await impostor.start();
    try {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      expect(impostor.hellos).toEqual([]);
      expect(await held()).toBe('lockstep_a<lockstep_b');
    } finally {
      impostor.remove();
    }
  });
});
