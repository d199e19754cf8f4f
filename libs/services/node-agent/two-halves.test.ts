// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { NodeStatus } from '@lockstep/contracts/generated';
import type { LogEntry } from '@lockstep/domain/load-order';
import { parseKernelBuildId, parseModuleName, parseSeq, type PatchedFunction } from '@lockstep/domain/livepatch-model';
import { buildSignerOf, buildVerifierOf, createBuildKey } from '@lockstep/io/certificates';
import { frameOf } from '@lockstep/io/local-socket';
import { writtenLivepatch, type SaidOfModule } from '@lockstep/testing/object-fixtures';
import { LoaderService, type LoaderServiceOptions } from './loader-service';
import { NetworkService, type NetworkServiceOptions } from './network-service';
import { TestControlPlane } from './test-control-plane';
import { LyingHalf } from './tests/lying-half';
import { TestNode } from './tests/test-node';

// Both halves with the socket between them; that they are processes is `main-job.fleet`, where n2 has two.

let node: TestNode;
let plane: TestControlPlane;
let ending: (() => Promise<void>)[] = [];

beforeEach(async () => {
  node = await TestNode.create();
  ({ plane } = node);
  mkdirSync(loaderDir(), { recursive: true });
});
afterEach(async () => {
  for (const end of ending) await end();
  ending = [];
  await node.remove();
});

const loaderDir = (): string => path.join(node.folder, 'loader');
const socket = (): string => path.join(node.folder, 'loader.sock');
const log = (level: string, message: string, fields?: unknown): void => {
  node.logLines.push(`${level} ${message} ${JSON.stringify(fields)}`);
};
const onFatal = (error: unknown): void => {
  node.logLines.push(`fatal ${String(error)}`);
};
const said = (text: string): boolean => node.logLines.some((line) => line.includes(text));

/** Longer than any test: what is fetched is what was asked for. */
const pickFetchMoment = (): number => 3_600_000;

async function startLoader(options: Partial<LoaderServiceOptions> = {}): Promise<LoaderService> {
  const { kernel } = node;
  const loader = new LoaderService({
    ...{ stateDir: loaderDir(), socket: socket(), kernel, log, lookEveryMs: 30, onFatal, pickFetchMoment },
    ...options,
  });
  ending.unshift(() => loader.stop());
  await loader.start();
  return loader;
}

async function startNetwork(options: Partial<NetworkServiceOptions> = {}): Promise<NetworkService> {
  const network = new NetworkService({
    ...{ stateDir: node.stateDir, loaderSocket: socket(), agentVersion: '1.2.3', log, heartbeatMs: 100, onFatal },
    enrolment: { server: plane.address, joinToken: plane.joinToken() },
    ...options,
  });
  ending.unshift(() => network.stop());
  await network.start();
  return network;
}

describe('both halves', () => {
  test('take the log, fetch, load in order and report, as in one process; neither has what is the other’s', async () => {
    plane.append('a', 'abc');
    plane.append('b', 'ad', [1]);
    await startLoader();
    await startNetwork();
    await node.inStep(0);
    plane.moveTo(2);
    await node.inStep(2);
    expect(await node.held()).toBe('lockstep_a<lockstep_b');
    expect(plane.hellos[0]).toMatchObject({ kernelBuildId: plane.log.kernelBuild, patchedCore: true });
    expect(statSync(socket()).mode & 0o777).toBe(0o660);
    expect(() => statSync(path.join(node.stateDir, 'journals'))).toThrow('ENOENT');
    expect(() => statSync(path.join(loaderDir(), 'node.key'))).toThrow('ENOENT');
    // A control plane that lost its log has it back from the loader.
    plane.retire(2);
    plane.offer();
    plane.moveTo(3);
    await node.inStep(3);
    expect(await node.held()).toBe('lockstep_a');
  });

  test('start in any order, go on without each other, and find each other again', async () => {
    plane.append('a', 'abc');
    const network = await startNetwork();
    await node.until('the network half waits', () => said('no loader'));
    const loader = await startLoader();
    await node.inStep(0);
    plane.moveTo(1);
    await node.inStep(1);
    await loader.stop();
    await node.until('a node without a loader is away', () => !plane.connected);
    await startLoader();
    plane.reports.length = 0;
    await node.inStep(1);
    await network.stop();
    await node.until('away', () => !plane.connected);
    plane.reports.length = 0;
    await startNetwork();
    await node.inStep(1);
  });

  test('build keys that only the half with the network has keep it from starting: nothing is loaded by them', async () => {
    const isSigned = buildVerifierOf([createBuildKey().publicKeyPem]);
    await startLoader();
    await startNetwork({ buildPolicy: { isSigned, unsigned: new Set() } });
    await node.until('it says so', () => said('fatal LockstepError: This agent was given build keys'));
    expect(plane.enrolments).toBe(0);
  });

  test('after a reboot the loader restores the stack alone', async () => {
    plane.append('a', 'abc');
    const loader = await startLoader();
    const network = await startNetwork();
    await node.inStep(0);
    plane.moveTo(1);
    await node.inStep(1);
    await Promise.all([network.stop(), loader.stop('machine-stops')]);
    await node.kernel.reboot();
    await startLoader();
    await node.until('the stack', async () => (await node.held()) === 'lockstep_a');
  });

  test('what the control plane refuses is a failure; what breaks off goes on where it was', async () => {
    const { body } = plane.append('a', 'abc');
    const sha256 = body.kind === 'load' ? body.artifact.sha256 : '';
    const bytes = plane.modules.get(sha256)!;
    plane.breakDownloadsAfter = 1000;
    await startLoader();
    await startNetwork();
    await node.inStep(0);
    plane.moveTo(1);
    await node.until('a report of a server away', () => plane.lastReport?.problem?.reason === 'server-away');
    expect(plane.lastReport!.status).toBe(NodeStatus.NODE_STATUS_MOVING);
    plane.modules.delete(sha256);
    await node.untilReported(NodeStatus.NODE_STATUS_FAILED, 0);
    expect(plane.lastReport!.problem).toMatchObject({ reason: 'no-artifact' });
    plane.modules.set(sha256, bytes);
    plane.breakDownloadsAfter = Infinity;
    await node.inStep(1);
  });
});

/** Its thief has the network half, the node's key and certificate, and what the control plane sent. */
describe('a network half that was taken over', () => {
  const key = createBuildKey();
  const builder = buildSignerOf(key.privateKeyPem);
  const fn = (name: string): PatchedFunction => ({ object: 'vmlinux', name, sympos: 0 });
  const module = (over: Partial<SaidOfModule> = {}): Uint8Array =>
    writtenLivepatch({
      ...{ moduleName: parseModuleName('lockstep_a'), kernelBuild: plane.log.kernelBuild, replace: false },
      ...{ functions: [fn('a')], release: '6.1.0-test' },
      ...over,
    });

  /** A loader that follows this control plane's log, and whoever speaks to it. */
  async function takenOver(served?: (sha256: string) => Uint8Array | undefined): Promise<LyingHalf> {
    await startLoader({ buildPolicy: { isSigned: buildVerifierOf([key.publicKeyPem]), unsigned: new Set() } });
    return connectHalf(served);
  }

  async function connectHalf(
    served: (sha256: string) => Uint8Array | undefined = (sha256) => plane.modules.get(sha256),
    logPublicKey = plane.authority.logSigner.publicKeyPem,
  ): Promise<LyingHalf> {
    const half = await LyingHalf.connect(socket(), served);
    ending.unshift(async () => {
      half.hangUp();
    });
    await half.say({ kind: 'introduction', cluster: plane.log.cluster, logPublicKey });
    await node.until('an answer', () => half.answers.length > 0);
    return half;
  }

  const offer = (half: LyingHalf, entries: readonly LogEntry[]): Promise<void> =>
    half.say({ kind: 'word', word: { kind: 'log-offered', entries } });
  const move = (half: LyingHalf, seq: number): Promise<void> =>
    half.say({ kind: 'word', word: { kind: 'move-requested', seq: parseSeq(seq) } });

  const reports = (half: LyingHalf, reason: string): Promise<void> =>
    node.until(reason, () => half.reports.at(-1)?.problem?.reason === reason);
  const isAt = (half: LyingHalf, position: number): Promise<void> =>
    node.until(`position ${position}`, () => {
      const report = half.reports.at(-1);
      return report?.status === NodeStatus.NODE_STATUS_IN_STEP && report.position === position;
    });

  test('may pass on what is signed, and nothing else is ever loaded', async () => {
    const half = await takenOver();
    plane.append('a', 'a', [], { module: builder.sign(module()) });
    await offer(half, plane.entries);
    await move(half, 1);
    await isAt(half, 1);
    expect(await node.held()).toBe('lockstep_a');
  });

  test.each<[string, (entry: LogEntry) => LogEntry]>([
    ['that nobody signed', (entry) => ({ ...entry, signature: 'AAAA' as LogEntry['signature'] })],
    ['that says other than was signed', (entry) => ({ ...entry, previousHash: 'ab'.repeat(32) as LogEntry['hash'] })],
    ['for another kernel build', (entry) => ({ ...entry, kernelBuild: parseKernelBuildId('cd'.repeat(20)) })],
  ])('an entry %s is not taken', async (_, forge) => {
    const half = await takenOver();
    plane.append('a', 'a', [], { module: builder.sign(module()) });
    await offer(half, plane.entries.map(forge));
    await move(half, 1);
    await node.until('the answers', () => half.answers.length === 3);
    await node.until('forked', () => half.reports.at(-1)?.status === NodeStatus.NODE_STATUS_FORKED);
    expect(half.reports.at(-1)).toMatchObject({ headSeq: 0, target: 0 });
    expect(half.wanted).toEqual([]);
    expect(await node.held()).toBe('');
  });

  test.each<[string, () => Uint8Array, string]>([
    ['that no build key signed', () => module(), 'not-vouched-for'],
    [
      'for another kernel build',
      () => builder.sign(module({ kernelBuild: parseKernelBuildId('cd'.repeat(20)) })),
      'module-differs',
    ],
  ])('with the log key too: a module %s is not loaded', async (_, make, reason) => {
    const half = await takenOver();
    plane.append('a', 'a', [], { module: make() });
    await offer(half, plane.entries);
    await move(half, 1);
    await reports(half, reason);
    expect(await node.held()).toBe('');
  });

  test('other bytes than were signed are not loaded, and not kept', async () => {
    const genuine = builder.sign(module());
    let served = Buffer.from(genuine).fill('x', 100, 120);
    const half = await takenOver(() => served);
    plane.append('a', 'a', [], { module: genuine });
    await offer(half, plane.entries);
    await move(half, 1);
    await reports(half, 'artifact-damaged');
    expect(await node.held()).toBe('');
    served = Buffer.concat([genuine, Buffer.alloc(100_000)]);
    await node.until('more than was said', () => said('bytes came'));
    expect(await node.held()).toBe('');
    served = Buffer.from(genuine);
    await isAt(half, 1);
  });

  test('an older position, an older log or a gap changes nothing', async () => {
    const half = await takenOver();
    plane.append('a', 'a', [], { module: builder.sign(module()) });
    plane.retire(1);
    const [first, second] = plane.entries as [LogEntry, LogEntry];
    await offer(half, [second]);
    await node.until('a gap', () => half.reports.at(-1)?.status === NodeStatus.NODE_STATUS_FORKED);
    await half.say({ kind: 'word', word: { kind: 'session-opened' } });
    await offer(half, [first, second]);
    await move(half, 2);
    await isAt(half, 2);
    const answers = half.answers.length;
    await move(half, 1);
    await offer(half, [first]);
    await move(half, 0);
    await node.until('the answers', () => half.answers.length === answers + 3);
    expect(half.reports.at(-1)).toMatchObject({ position: 2, target: 2, headSeq: 2 });
    expect(await node.held()).toBe('');
  });

  test('another log’s key is never taken in the place of the first, neither now nor after a restart', async () => {
    const half = await takenOver();
    plane.append('a', 'a', [], { module: builder.sign(module()) });
    await offer(half, plane.entries);
    await move(half, 1);
    await isAt(half, 1);
    const thief = await TestControlPlane.create();
    const theirs = thief.authority.logSigner.publicKeyPem;
    for (const restart of [false, true]) {
      if (restart) {
        await ending.at(-1)!();
        await startLoader();
      }
      const other = await connectHalf(undefined, theirs);
      expect(other.answers[0]?.problem).toMatchObject({
        reason: 'other-log',
        message: expect.stringMatching(/remove .*\/log-anchor\.json and start it again/),
      });
      await move(other, 1);
      await node.until('hung up', () => other.isOver);
    }
    thief.remove();
    const kept = readFileSync(path.join(loaderDir(), 'log-anchor.json'), 'utf8');
    expect(JSON.parse(kept)).toEqual({ cluster: 'web', logPublicKey: plane.authority.logSigner.publicKeyPem });
    expect(await node.held()).toBe('lockstep_a');
  });

  test('whoever says what is no message is hung up on, and the loader goes on', async () => {
    await takenOver();
    const hangsUp = async (talk: (half: LyingHalf) => Promise<void>): Promise<void> => {
      const half = await connectHalf();
      await talk(half);
      await node.until('hung up', () => half.isOver);
    };
    await hangsUp((half) => half.sayBytes(Buffer.from('no message at all')));
    await hangsUp((half) => half.sayBytes(Buffer.alloc(0)));
    await hangsUp((half) => half.say({ kind: 'chunk', chunk: { kind: 'bytes', bytes: Buffer.from('unasked') } }));
    // A length without its message, and one that is too long.
    for (const bytes of [Buffer.from([0, 0, 1, 0, 7]), Buffer.from([255, 255, 255, 255, 1])]) {
      const raw = connect(socket());
      raw.on('error', () => undefined);
      raw.resume();
      const closed = new Promise((resolve) => raw.on('close', resolve));
      raw.end(bytes);
      await closed;
    }
    // Whoever does not say first whose order it is about.
    const stranger = await LyingHalf.connect(socket());
    await move(stranger, 1);
    await node.until('hung up', () => stranger.isOver);
    await isAt(await connectHalf(), 0);
    expect(said('fatal')).toBe(false);
  });

  test('a flood is taken one by one, and whoever comes after it is heard', async () => {
    const half = await takenOver();
    plane.append('a', 'a', [], { module: builder.sign(module()) });
    const flood = Array.from({ length: 3000 }, (_, i) => (i % 2 === 0 ? move(half, i) : offer(half, [])));
    await Promise.all(flood);
    await node.until('every word was answered', () => half.answers.length === 1 + flood.length);
    const next = await connectHalf();
    await node.until('the one before is hung up on', () => half.isOver);
    await offer(next, plane.entries);
    await move(next, 1);
    await isAt(next, 1);
  });
});

describe('whose log a loader follows', () => {
  const anchor = (): string => path.join(loaderDir(), 'log-anchor.json');
  const introduce = async (half: LyingHalf, logPublicKey: string): Promise<string | undefined> => {
    const before = half.answers.length;
    await half.say({ kind: 'introduction', cluster: plane.log.cluster, logPublicKey });
    await node.until('an answer', () => half.answers.length > before || half.isOver);
    return half.answers[before]?.problem?.reason;
  };
  const ours = (): string => plane.authority.logSigner.publicKeyPem;

  test.each(['{"cluster":', '{"cluster":"web","logPublicKey":"no key"}'])(
    'a record that is damaged is told to whoever asks, and ends nothing: %s',
    async (text) => {
      writeFileSync(anchor(), text);
      await startLoader();
      const half = await LyingHalf.connect(socket());
      expect(await introduce(half, ours())).toBe('anchor-damaged');
      expect(said('follows nothing')).toBe(true);
      expect(readFileSync(anchor(), 'utf8')).toBe(text);
      half.hangUp();
    },
  );

  test('a key that is none is not kept: the right one is followed afterwards', async () => {
    await startLoader();
    const half = await LyingHalf.connect(socket());
    expect(await introduce(half, 'no key')).toBeDefined();
    expect(existsSync(anchor())).toBe(false);
    half.hangUp();
    const next = await LyingHalf.connect(socket());
    expect(await introduce(next, ours())).toBeUndefined();
    expect(JSON.parse(readFileSync(anchor(), 'utf8'))).toMatchObject({ logPublicKey: ours() });
    next.hangUp();
  });

  test('one that cannot be kept is not followed, and once it can be it is', async () => {
    await startLoader();
    // No file can take the place of a folder.
    mkdirSync(path.join(anchor(), 'in-the-way'), { recursive: true });
    const half = await LyingHalf.connect(socket());
    await introduce(half, ours());
    expect(node.logLines.join('\n')).not.toContain('loader started');
    half.hangUp();
    rmSync(anchor(), { recursive: true });
    const next = await LyingHalf.connect(socket());
    expect(await introduce(next, ours())).toBeUndefined();
    next.hangUp();
  });
});

test('what a loader that hangs said last is not told for ever', async () => {
  await startLoader({ speaksEveryMs: 20 });
  const relay = path.join(node.folder, 'relay.sock');
  let hangs = false;
  // Between the halves: what the loader says is not passed on any more, as if it stood still.
  const between = createServer((network) => {
    if (hangs) {
      network.destroy();
      return;
    }
    const loader = connect(socket());
    network.pipe(loader);
    loader.on('data', (bytes) => {
      if (!hangs) network.write(bytes);
    });
    for (const [one, other] of [
      [network, loader],
      [loader, network],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => between.listen(relay, resolve));
  ending.unshift(
    () =>
      new Promise<void>((resolve) => {
        between.close(() => {
          resolve();
        });
      }),
  );
  await startNetwork({ loaderSocket: relay });
  await node.inStep(0);
  hangs = true;
  await node.until('it is said that it hangs', () => said('the loader hangs'));
  await node.until('nobody speaks for it', () => !plane.connected);
  hangs = false;
  await node.until('it is spoken for again', () => plane.connected);
});

test('a frame is its length and the message', () => {
  expect([...frameOf(Uint8Array.of(7, 8))]).toEqual([0, 0, 0, 2, 7, 8]);
});
