// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { NodeStatus } from '@lockstep/contracts/generated';
import { DirectoryKernel } from '@lockstep/testing/directory-kernel';
import type { KernelBuildId, ModuleName } from '@lockstep/domain/livepatch-model';
import { currentKey, type LoadBody } from '@lockstep/domain/load-order';
import { NodeAgent } from './node-agent';
import { TestControlPlane } from './test-control-plane';
import { TestNode } from './tests/test-node';

/** Whether the journal has such a record. */
const journalHas = ({ stateDir }: TestNode, text: string): boolean => {
  const journals = path.join(stateDir, 'journals');
  return readdirSync(journals).some((name) => readFileSync(path.join(journals, name), 'utf8').includes(text));
};

let node: TestNode;
let plane: TestControlPlane;
let kernel: DirectoryKernel;

beforeEach(async () => {
  node = await TestNode.create();
  ({ plane, kernel } = node);
});
afterEach(() => node.remove());

describe('enrolment', () => {
  test('is done once; key and identity are the owner’s alone', async () => {
    await (await node.startAgent()).stop();
    expect(statSync(node.stateDir).mode & 0o777).toBe(0o700);
    for (const file of ['node.key', 'identity.json']) {
      expect(statSync(path.join(node.stateDir, file)).mode & 0o777).toBe(0o600);
    }
    await node.startAgent({ enrolment: { server: '127.0.0.1:1', joinToken: 'not looked at' } });
    await node.until('hello', () => plane.hellos.length > 0);
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
    const agent = node.makeAgent({ enrolment: { server: plane.address, joinToken } });
    await expect(agent.start()).rejects.toMatchObject({ kind: 'forbidden', reason: 'wrong-ca' });
    expect(plane.enrolments).toBe(0);
  });
  test('waits for a server that is not there yet', async () => {
    plane.stop();
    const starting = node.startAgent();
    await node.until('a first try', () => node.logLines.some((line) => line.includes('enrolment failed')));
    await plane.start();
    await starting;
    await node.inStep(0);
  });
  test('an agent that never enrolled says what it needs', async () => {
    const nothing = (): void => undefined;
    const agent = new NodeAgent({ stateDir: node.stateDir, kernel, agentVersion: '1', log: nothing, onFatal: nothing });
    node.agents.push(agent);
    await expect(agent.start()).rejects.toMatchObject({ reason: 'not-enrolled' });
  });
  test('nobody else can hold what keeps a second agent off, neither by its name nor by opening it', async () => {
    mkdirSync(node.stateDir, { mode: 0o755 });
    const name = createHash('sha256').update(realpathSync(node.stateDir)).digest('hex');
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(`\0lockstep-agent-${name}`, resolve));
    try {
      await node.startAgent();
      await node.inStep(0);
      expect(statSync(path.join(node.stateDir, 'lock')).mode & 0o777).toBe(0o600);
    } finally {
      stranger.close();
    }
  });
  test('two agents never share a state directory', async () => {
    await node.startAgent();
    await expect(node.startAgent()).rejects.toMatchObject({ reason: 'agent-running' });
  });
});

/** The newest log key that it keeps, of its one cluster. */
function keptLogKey(): string {
  const folder = path.join(node.stateDir, 'log-keys');
  const [name = ''] = readdirSync(folder);
  return path.join(folder, name);
}

describe('log keys that take one another’s place', () => {
  test('are walked one by one, also by who was away for ten of them, and kept for other kernels', async () => {
    const agent = await node.inStepWithAB();
    await agent.stop();
    for (let at = 0; at < 10; at += 1) await plane.rotate();
    plane.append('c', 'x');
    await node.startAgent();
    await node.until('the log', () => plane.lastReport?.headSeq === 13);
    plane.moveTo(13);
    await node.inStep(13);
    const newest = keptLogKey();
    expect(readFileSync(newest, 'utf8')).toBe(currentKey(plane.entries));
    expect(statSync(newest).mode & 0o777).toBe(0o600);
    // Another kernel's load order that ends in the first key was written by somebody who has an old one.
    for (const each of node.agents) await each.stop();
    await kernel.change({ kernelBuild: 'cd'.repeat(20) as KernelBuildId });
    await kernel.reboot();
    plane.startOver('cd'.repeat(20) as KernelBuildId);
    plane.append('old', 'q');
    await node.startAgent();
    await node.until('the log', () => plane.lastReport?.headSeq === 1);
    // Nor does one that ends in another key, which the newest has not come by, make the node forget that.
    const kept = readFileSync(newest, 'utf8');
    await plane.rotate();
    plane.offer();
    await node.until('the log that goes on', () => plane.lastReport?.headSeq === 2);
    expect(readFileSync(newest, 'utf8')).toBe(kept);
    plane.moveTo(1);
    await node.until('a refusal', () => plane.lastReport?.problem?.reason === 'lowered-key');
    expect(await node.held()).toBe('');
  });

  test('the newest is told at enrolment: a machine that comes later trusts no older one', async () => {
    plane.append('a', 'abc');
    await plane.rotate();
    await node.startAgent();
    expect(readFileSync(keptLogKey(), 'utf8')).toBe(currentKey(plane.entries));
    await node.until('the log', () => plane.lastReport?.headSeq === 2);
    plane.moveTo(2);
    await node.inStep(2);
  });
});

describe('following the load order', () => {
  test('takes the log, fetches, loads in order, and reports what the kernel holds', async () => {
    await node.inStepWithAB();
    expect(await node.held()).toBe('lockstep_a<lockstep_b');
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
    await node.startAgent();
    await node.inStep(0);
    plane.append('a', 'abc');
    plane.offer();
    await node.until('the head in a report', () => plane.lastReport?.headSeq === 1);
    expect(plane.lastReport).toMatchObject({ position: 0, target: 0 });
    expect(await node.held()).toBe('');
  });
  test('a retired patch goes, and its module file with it', async () => {
    await node.inStepWithAB();
    plane.retire(1);
    plane.offer();
    plane.moveTo(3);
    await node.inStep(3);
    expect(await node.held()).toBe('lockstep_b');
    await node.until('the sweep', () => readdirSync(path.join(node.stateDir, 'artifacts')).length === 1);
  });
  test('what was loaded by hand is unloaded on an operator’s word, by name', async () => {
    await node.inStepWithAB();
    await kernel.loadByHand({ module: 'by_hand' as ModuleName, functions: [] });
    await node.until('divergence', () => plane.lastReport?.status === NodeStatus.NODE_STATUS_DIVERGED);
    plane.repair('by_other_hand');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await node.held()).toBe('lockstep_a<lockstep_b<by_hand');
    plane.repair('by_hand');
    await node.inStep(2);
    expect(await node.held()).toBe('lockstep_a<lockstep_b');
  });
  test('that word outlives an agent that was to look only', async () => {
    await node.inStepWithAB();
    const holdFile = path.join(node.folder, 'hold');
    await node.agents[0]!.stop();
    writeFileSync(holdFile, '');
    await kernel.loadByHand({ module: 'by_hand' as ModuleName, functions: [] });
    const held = await node.startAgent({ holdFile });
    await node.until('divergence', () => plane.lastReport?.status === NodeStatus.NODE_STATUS_DIVERGED);
    plane.repair('by_hand');
    await node.until('its record', () => journalHas(node, '"repair"'));
    await held.stop();
    plane.reports.length = 0;
    await node.startAgent();
    await node.inStep(2);
    expect(await node.held()).toBe('lockstep_a<lockstep_b');
  });
  test('a stale move changes nothing', async () => {
    await node.inStepWithAB();
    plane.moveTo(1);
    plane.moveTo(2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await node.inStep(2);
    expect(await node.held()).toBe('lockstep_a<lockstep_b');
  });
  test('a forged log is refused and reported, and no move is obeyed with it', async () => {
    await node.inStepWithAB();
    const genuine = plane.entries;
    const forged = plane.append('c', 'x');
    plane.offer([{ ...forged, signature: genuine[0]!.signature }]);
    plane.moveTo(3);
    await node.untilReported(NodeStatus.NODE_STATUS_FORKED, 2);
    expect(plane.lastReport).toMatchObject({ headSeq: 2, problem: { reason: 'bad-signature' } });
    expect(await node.held()).toBe('lockstep_a<lockstep_b');
    plane.offer();
    plane.moveTo(3);
    await node.inStep(3);
  });
  test('a livepatch loaded by hand is reported and left alone', async () => {
    await node.inStepWithAB();
    await kernel.loadByHand({ module: 'by_hand' as ModuleName, functions: [] });
    await node.untilReported(NodeStatus.NODE_STATUS_DIVERGED, 2);
    expect(plane.lastReport!.problem!.message).toContain('by_hand');
    await kernel.unload('by_hand' as ModuleName);
    await node.inStep(2);
  });
  test('a module the kernel does not take makes the node failed; it comes right when the cause is gone', async () => {
    plane.append('a', 'abc');
    await kernel.change({ refuseLoads: ['lockstep_a'] });
    await node.startAgent();
    await node.inStep(0);
    plane.moveTo(1);
    await node.untilReported(NodeStatus.NODE_STATUS_FAILED, 0);
    expect(plane.lastReport!.problem).toMatchObject({ reason: 'insmod-failed' });
    await kernel.change({ refuseLoads: [] });
    await node.inStep(1);
  });
  test('what only a change of the host helps is tried once, told, and tried again when the host has changed', async () => {
    plane.append('a', 'abc');
    const held = { kind: 'function-held', at: 'vmlinux:b', by: 'a kprobe' } as const;
    await kernel.change({ obstacles: [held] });
    await node.startAgent();
    await node.inStep(0);
    expect(plane.lastReport!.obstacles).toEqual([{ ...held, trusted: [] }]);
    plane.moveTo(1);
    await node.untilReported(NodeStatus.NODE_STATUS_FAILED, 0);
    expect(plane.lastReport!.problem).toMatchObject({
      reason: 'function-held',
      message: expect.stringContaining('vmlinux:b is taken by a kprobe'),
    });
    const tried = kernel.loadsTried;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(kernel.loadsTried).toBe(tried);
    await kernel.change({ obstacles: [] });
    await node.inStep(1);
  });
  test('what the kernel complains about in its log is told at once, in step or not', async () => {
    await node.startAgent();
    await node.inStep(0);
    expect(plane.lastReport!.trouble).toBeUndefined();
    const trouble = { id: 'boot/7', kind: 'warning', message: 'WARNING: CPU: 0 PID: 1 at f' } as const;
    await kernel.change({ trouble });
    await node.until('the complaint', () => plane.lastReport!.trouble !== undefined);
    expect(plane.lastReport).toMatchObject({ status: NodeStatus.NODE_STATUS_IN_STEP, trouble });
  });
  describe('a transition that a sleeper holds up', () => {
    const sleepers = { lockstep_b: [{ pid: 411, comm: 'cat', function: 'a' }] };
    const blocked = async (): Promise<void> => {
      await node.untilReported(NodeStatus.NODE_STATUS_FAILED, 1);
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
      await node.startAgent();
      await node.inStep(0);
      plane.moveTo(2);
      await blocked();
    });

    test('fails when its time is over, naming it; once it has left, the next try succeeds', async () => {
      expect(await node.held()).toBe('lockstep_a');
      plane.reports.length = 0;
      await node.until(
        'the next try',
        async () => (await node.held()) === 'lockstep_a<lockstep_b' && plane.reports.length > 0,
      );
      // While it is tried again nothing is better: a rollout that looks just then must not take it for that.
      expect(new Set(plane.reports.map(({ status }) => status))).toEqual(new Set([NodeStatus.NODE_STATUS_FAILED]));
      await kernel.change({ sleepers: {} });
      await node.inStep(2);
    });
    test('does so after a reboot too, without a control plane: the time is in the node’s own log', async () => {
      await node.agents[0]!.stop();
      plane.stop();
      await node.reboot();
      const agent = node.makeAgent();
      await agent.start();
      await node.until('the failure', () => agent.view?.problem?.reason === 'transition-timeout');
      expect(await node.held()).toBe('lockstep_a');
      await kernel.change({ sleepers: {} });
      await node.until('the stack', () => agent.view?.status === 'in-step' && agent.view.position === 2);
    });
    test('does so when the agent was killed meanwhile: the next one waits as long, then takes it back', async () => {
      await node.agents[0]!.stop();
      await kernel.unload('lockstep_b' as ModuleName, 0).catch(() => undefined);
      const { artifact } = plane.entries[1]!.body as LoadBody;
      const file = path.join(node.stateDir, 'artifacts', `${artifact.sha256}.ko`);
      const { moduleName: module, functions, replace } = artifact;
      const mayShadow = ['lockstep_a' as ModuleName];
      kernel.load({ path: file, module, functions, replace, mayShadow, replaces: [] }).catch(() => undefined);
      await node.until('a transition', async () => (await kernel.observe()).some(({ transition }) => transition));
      plane.reports.length = 0;
      await node.startAgent();
      await blocked();
    });
  });
});

describe('fetching modules', () => {
  test('goes on after a broken transfer where it was', async () => {
    plane.append('a', 'abc');
    await node.startAgent();
    await node.inStep(0);
    plane.breakDownloadsAfter = 1000;
    plane.moveTo(1);
    await node.until('a report of a server away', () => plane.lastReport?.problem?.reason === 'server-away');
    // No failure: it would halt a rollout.
    expect(plane.lastReport!.status).toBe(NodeStatus.NODE_STATUS_MOVING);
    plane.breakDownloadsAfter = Infinity;
    await node.inStep(1);
    expect(plane.downloads.map((download) => download.offset)).toEqual([0, 1000]);
  });
  test('a module that changed on disk is not loaded but fetched again', async () => {
    const agent = await node.inStepWithAB();
    await agent.stop();
    const artifacts = path.join(node.stateDir, 'artifacts');
    for (const file of readdirSync(artifacts)) writeFileSync(path.join(artifacts, file), 'something else');
    await node.reboot();
    plane.downloads.length = 0;
    plane.reports.length = 0;
    await node.startAgent();
    await node.inStep(2);
    expect(plane.downloads).toHaveLength(2);
  });
  test('a module with other bytes than signed is never loaded', async () => {
    const { body } = plane.append('a', 'abc');
    const sha256 = body.kind === 'load' ? body.artifact.sha256 : '';
    const genuine = plane.modules.get(sha256)!;
    plane.modules.set(sha256, Buffer.from(genuine).fill('x', 10, 20));
    await node.startAgent();
    await node.inStep(0);
    plane.moveTo(1);
    await node.untilReported(NodeStatus.NODE_STATUS_FAILED, 0);
    expect(plane.lastReport!.problem).toMatchObject({ reason: 'artifact-damaged' });
    expect(await node.held()).toBe('');
    plane.modules.set(sha256, genuine);
    await node.inStep(1);
  });
});

describe('whatever happens to the control plane', () => {
  test('after a reboot the stack is restored without it', async () => {
    const agent = await node.inStepWithAB();
    await agent.stop();
    plane.stop();
    await node.reboot();
    await node.startAgent();
    await node.until('the stack', async () => (await node.held()) === 'lockstep_a<lockstep_b');
    await node.until('in step', () => node.agents.at(-1)!.view?.status === 'in-step');
    expect(node.agents.at(-1)!.view?.position).toBe(2);
  });
  test('a server that accepts and never answers holds nothing up, and is tried ever more seldom', async () => {
    const agent = await node.inStepWithAB();
    await agent.stop();
    const port = plane.agentPort;
    plane.stop();
    await node.reboot();
    const sockets: Socket[] = [];
    const silent: Server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
    // A try to connect takes 10 s: they pass a hundred times as fast.
    const now = performance.now.bind(performance);
    const sinceMs = now();
    jest.spyOn(performance, 'now').mockImplementation(() => sinceMs + (now() - sinceMs) * 100);
    const pausesMs = (): number[] =>
      node.logLines.flatMap((line) => [...line.matchAll(/"retryInMs":(\d+)/g)].map(([, ms]) => Number(ms)));
    try {
      node.logLines.length = 0;
      await node.startAgent();
      await node.until('the stack', async () => (await node.held()) === 'lockstep_a<lockstep_b');
      await node.until('three tries', () => pausesMs().length >= 3);
      expect(pausesMs()[2]).toBeGreaterThanOrEqual(600);
    } finally {
      jest.restoreAllMocks();
      await node.agents.at(-1)!.stop();
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });
  test('it comes back: the agent is there again, with what it knows', async () => {
    await node.inStepWithAB();
    plane.stop();
    await new Promise((resolve) => setTimeout(resolve, 200));
    plane.append('c', 'x');
    plane.hellos.length = 0;
    await plane.start();
    await node.until('hello', () => plane.hellos.length > 0);
    expect(plane.hellos[0]).toMatchObject({ headSeq: 2, headHash: plane.entries[1]!.hash });
    plane.moveTo(3);
    await node.inStep(3);
  });
  test('a rejection is not argued with: it tries again later', async () => {
    plane.rejection = 'unknown-node';
    await node.startAgent();
    await node.until('two tries', () => plane.hellos.length >= 2);
    expect(node.logLines.some((line) => line.includes('unknown-node'))).toBe(true);
    plane.rejection = undefined;
    await node.inStep(0);
  });
  test('another control plane with the same name is not listened to', async () => {
    await node.inStepWithAB();
    const port = plane.agentPort;
    plane.stop();
    const impostor = await TestControlPlane.create();
    impostor.agentPort = port;
    await impostor.start();
    try {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      expect(impostor.hellos).toEqual([]);
      expect(await node.held()).toBe('lockstep_a<lockstep_b');
    } finally {
      impostor.remove();
    }
  });
});
