// SPDX-License-Identifier: GPL-2.0-only
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { ConnectResponse } from '@lockstep/contracts/generated';
import {
  parseClusterName,
  parseKernelBuildId,
  parseNodeName,
  parseSeq,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import { firstPreviousHash, type EntrySignature, type LogEntry } from '@lockstep/domain/load-order';
import { AgentSession } from './agent-session';

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
  room = Infinity;

  write({ message }: ConnectResponse): boolean {
    if (message?.$case === 'extension') this.sent.push(...message.value.entries.map(({ seq }) => seq));
    if (message?.$case === 'moveTo') this.sent.push(`move ${message.value.seq}`);
    this.room -= 1;
    return this.room > 0;
  }

  drain(): void {
    this.room = Infinity;
    this.emit('drain');
  }
}

function session(headSeq: number, entries: LogEntry[]) {
  const stream = new FakeStream();
  const closed: unknown[] = [];
  const made = new AgentSession({
    node: parseNodeName('n1'),
    log,
    stream,
    headSeq,
    entriesAfter: async (_, seq) => entries.filter((each) => each.seq > seq),
    close: (error) => closed.push(error),
  });
  return { made, stream, closed };
}

test('sends what the agent lacks, then where to move, each once', async () => {
  const entries = [entry(1), entry(2), entry(3)];
  const { made, stream } = session(1, entries);
  made.moveTo(parseSeq(3));
  made.moveTo(parseSeq(2));
  made.wake();
  await sleep(5);
  expect(stream.sent).toEqual([2, 3, 'move 3']);
  entries.push(entry(4));
  made.wake();
  made.moveTo(parseSeq(3));
  await sleep(5);
  expect(stream.sent).toEqual([2, 3, 'move 3', 4]);
});

test('never tells a node to move to an entry it was not sent', async () => {
  const entries = [entry(1)];
  const { made, stream } = session(0, entries);
  made.moveTo(parseSeq(2));
  await sleep(5);
  expect(stream.sent).toEqual([1]);
  entries.push(entry(2));
  made.wake();
  await sleep(5);
  expect(stream.sent).toEqual([1, 2, 'move 2']);
});

test('waits for a slow reader instead of piling up', async () => {
  const { made, stream } = session(
    0,
    Array.from({ length: 200 }, (_, i) => entry(i + 1)),
  );
  stream.room = 1;
  made.wake();
  await sleep(10);
  expect(stream.sent).toHaveLength(64);
  stream.drain();
  await sleep(10);
  expect(stream.sent).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
});

test('a database that fails ends the stream, so that the agent comes again', async () => {
  const stream = new FakeStream();
  const closed: unknown[] = [];
  const failing = new AgentSession({
    node: parseNodeName('n1'),
    log,
    stream,
    headSeq: 0,
    entriesAfter: () => Promise.reject(new Error('gone')),
    close: (error) => closed.push(error),
  });
  failing.wake();
  await sleep(5);
  expect(closed).toEqual([new Error('gone')]);
  failing.wake();
  failing.close(new Error('again'));
  expect(closed).toHaveLength(1);
});
