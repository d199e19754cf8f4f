// SPDX-License-Identifier: GPL-2.0-only
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { ConnectResponse } from '@lockstep/contracts/generated';
import {
  parseClusterName,
  parseKernelBuildId,
  parseNodeName,
  parseSeq,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import { firstPreviousHash, type EntrySignature, type LogEntry } from '@lockstep/domain/load-order';
import { eventually } from '../tests/eventually';
import { AgentSession } from './agent-session';
import type { ToldHead } from './log-heads';
import { EncodedResponse, KnownLogs } from './known-logs';

const log = { cluster: parseClusterName('c'), kernelBuild: parseKernelBuildId('ab'.repeat(20)) };

const entry = (seq: number): LogEntry => ({
  ...log,
  seq: parseSeq(seq),
  previousHash: firstPreviousHash,
  body: { kind: 'retire', retires: parseSeq(1) },
  hash: 'ff'.repeat(32) as Sha256,
  signature: '' as EntrySignature,
});

/** A stream that is full after `room` messages until it is drained. */
class FakeStream extends EventEmitter {
  readonly sent: (string | number)[] = [];
  readonly messageBytes: number[] = [];
  room = Infinity;
  /** How often the database behind it is away. */
  failures = 0;

  write(response: ConnectResponse | EncodedResponse): boolean {
    const bytes = response instanceof EncodedResponse ? response.bytes : ConnectResponse.encode(response).finish();
    const { message } = ConnectResponse.decode(bytes);
    this.messageBytes.push(bytes.length);
    if (message?.$case === 'extension') this.sent.push(...message.value.entries.map(({ seq }) => seq));
    if (message?.$case === 'signedHead') this.sent.push(`head ${message.value.seq}`);
    if (message?.$case === 'moveTo') this.sent.push(`move ${message.value.seq}`);
    this.room -= 1;
    return this.room > 0;
  }

  drain(): void {
    this.room = Infinity;
    this.emit('drain');
  }
}

const soon = (stream: FakeStream, sent: readonly (string | number)[]): Promise<void> =>
  eventually(() => {
    expect(stream.sent).toEqual(sent);
  });

/** Long enough for what should not be sent, were it sent. */
const aMoment = () => sleep(20);

function session(headSeq: number, entries: LogEntry[]) {
  const stream = new FakeStream();
  const closed: unknown[] = [];
  const heads: { told: ToldHead | undefined } = { told: undefined };
  const logs = new KnownLogs({
    entries: async (_, seq = 0) => {
      stream.failures -= 1;
      if (stream.failures >= 0) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'P1001' });
      return entries.filter((each) => each.seq > seq);
    },
  });
  const grow = (more: LogEntry): void => {
    entries.push(more);
    logs.noteGrowth(log);
  };
  const made = new AgentSession({
    node: parseNodeName('n1'),
    log,
    bootId: 'b1',
    stream,
    authorities: () => undefined,
    headSeq,
    extensionsAfter: (name, seq) => logs.extensionsAfter(name, seq),
    headOf: () => Promise.resolve(heads.told),
    close: (error) => closed.push(error),
  });
  return { made, stream, closed, grow, heads };
}

test('sends what the agent lacks, then where to move, each once', async () => {
  const entries = [entry(1), entry(2), entry(3)];
  const { made, stream, grow } = session(1, entries);
  made.moveTo(parseSeq(3));
  made.moveTo(parseSeq(2));
  made.wake();
  await soon(stream, [2, 3, 'move 3']);
  grow(entry(4));
  made.wake();
  made.moveTo(parseSeq(3));
  await soon(stream, [2, 3, 'move 3', 4]);
  await aMoment();
  expect(stream.sent).toEqual([2, 3, 'move 3', 4]);
});

function headAt(seq: number): ToldHead {
  const value = { cluster: log.cluster, kernelBuildId: log.kernelBuild, seq, hash: '', publicKey: '' };
  const signed = { ...value, issuedAtMs: 1, expiresAtMs: 2, signature: '' };
  const bytes = ConnectResponse.encode({ message: { $case: 'signedHead', value: signed } }).finish();
  return { head: { seq } as ToldHead['head'], message: new EncodedResponse(Buffer.from(bytes)) };
}

test('says where the log ends after what leads there and before the move, each word once', async () => {
  const { made, stream, grow, heads } = session(0, [entry(1)]);
  heads.told = headAt(1);
  made.moveTo(parseSeq(1));
  await soon(stream, [1, 'head 1', 'move 1']);
  made.wake();
  await aMoment();
  expect(stream.sent).toEqual([1, 'head 1', 'move 1']);
  // Of a log that has grown since it was read the next round tells.
  heads.told = headAt(2);
  made.wake();
  await aMoment();
  expect(stream.sent).toEqual([1, 'head 1', 'move 1']);
  grow(entry(2));
  made.wake();
  await soon(stream, [1, 'head 1', 'move 1', 2, 'head 2']);
  heads.told = headAt(2);
  made.wake();
  await soon(stream, [1, 'head 1', 'move 1', 2, 'head 2', 'head 2']);
});

test('never tells a node to move to an entry it was not sent', async () => {
  const entries = [entry(1)];
  const { made, stream, grow } = session(0, entries);
  made.moveTo(parseSeq(2));
  await soon(stream, [1]);
  await aMoment();
  expect(stream.sent).toEqual([1]);
  grow(entry(2));
  made.wake();
  await soon(stream, [1, 2, 'move 2']);
});

/** An entry that takes some bytes on the wire. */
const largeEntry = (seq: number, bytes: number): LogEntry => ({
  ...entry(seq),
  signature: 'x'.repeat(bytes) as EntrySignature,
});

test('waits for a slow reader instead of piling up, and says what it has offered', async () => {
  const { made, stream } = session(
    0,
    Array.from({ length: 8 }, (_, i) => largeEntry(i + 1, 400_000)),
  );
  stream.room = 1;
  made.wake();
  await soon(stream, [1, 2]);
  await aMoment();
  expect([stream.sent, made.offeredSeq]).toEqual([[1, 2], 2]);
  stream.drain();
  await soon(stream, [1, 2, 3, 4, 5, 6, 7, 8]);
  expect(made.offeredSeq).toBe(8);
});

test('no message is larger than peers take, whatever the entries are', async () => {
  const sizes = [10, 3_000_000, 10, 900_000, 200_000, 10];
  const { made, stream } = session(
    0,
    sizes.map((bytes, i) => largeEntry(i + 1, bytes)),
  );
  made.wake();
  await soon(stream, [1, 2, 3, 4, 5, 6]);
  expect(Math.max(...stream.messageBytes)).toBeLessThan(3_100_000);
  expect(stream.messageBytes.length).toBeGreaterThan(3);
});

test('a database that is away for a moment does not end the stream: what is lacking comes later', async () => {
  const { made, stream, closed } = session(0, [entry(1)]);
  stream.failures = 1;
  made.wake();
  await aMoment();
  expect([stream.sent, closed]).toEqual([[], []]);
  await soon(stream, [1]);
  expect(closed).toEqual([]);
});

test('a database that fails ends the stream, so that the agent comes again', async () => {
  const stream = new FakeStream();
  const closed: unknown[] = [];
  const failing = new AgentSession({
    node: parseNodeName('n1'),
    log,
    bootId: 'b1',
    stream,
    authorities: () => undefined,
    headSeq: 0,
    extensionsAfter: () => Promise.reject(new Error('gone')),
    headOf: () => Promise.resolve(undefined),
    close: (error) => closed.push(error),
  });
  failing.wake();
  await eventually(() => {
    expect(closed).toEqual([new Error('gone')]);
  });
  failing.wake();
  failing.close(new Error('again'));
  expect(closed).toHaveLength(1);
});
