// SPDX-License-Identifier: GPL-2.0-only
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import {
  parseClusterName,
  parseKernelBuildId,
  parseNodeName,
  parseSeq,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import { firstPreviousHash, type EntrySignature, type LogEntry } from '@lockstep/domain/load-order';
import { eventually } from '../tests/eventually';
import { AheadSession } from './ahead-session';

const log = { cluster: parseClusterName('c'), kernelBuild: parseKernelBuildId('ab'.repeat(20)) };

const entry = (seq: number): LogEntry => ({
  ...{ ...log, seq: parseSeq(seq), previousHash: firstPreviousHash },
  body: { kind: 'retire', retires: parseSeq(1) },
  ...{ hash: 'ff'.repeat(32) as Sha256, signature: '' as EntrySignature },
});

/** A node that knows #3 and #4; how our log stands each time it is looked at. */
function session(...heads: (number | Error)[]) {
  const closed: unknown[] = [];
  const made = new AheadSession({
    ...{ node: parseNodeName('n1'), log, bootId: 'b1', entries: [entry(3), entry(4)] },
    problem: { reason: 'ahead', message: '' },
    ourHead: async () => {
      const head = heads.shift() ?? 0;
      if (typeof head !== 'number') throw head;
      return parseSeq(head);
    },
    close: (error) => closed.push(error),
  });
  return { made, closed };
}

test('while our log ends before what it knows, it stays', async () => {
  const { made, closed } = session(2, 2);
  made.wake();
  made.wake();
  await turn();
  expect(closed).toEqual([]);
});

test.each([3, 4, 9])('once our log goes on up to #%i, it is to come again, and that is said once', async (head) => {
  const { made, closed } = session(2, head, head);
  made.wake();
  made.wake();
  made.wake();
  await turn();
  expect(closed).toEqual([expect.objectContaining({ kind: 'unavailable', reason: 'recovered' })]);
});

test('a database that is away for a moment costs no stream, and is looked at again', async () => {
  const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'P1001' });
  const { made, closed } = session(away, 4);
  made.wake();
  await turn();
  expect(closed).toEqual([]);
  await eventually(() => {
    expect(closed).toHaveLength(1);
  });
});
