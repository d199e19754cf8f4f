// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { ConnectResponse } from '@lockstep/contracts/generated';
import { parseClusterName, parseKernelBuildId, parseSeq, type Sha256 } from '@lockstep/domain/livepatch-model';
import { firstPreviousHash, type EntrySignature, type LogEntry } from '@lockstep/domain/load-order';
import { KnownLogs } from './known-logs';

const log = { cluster: parseClusterName('c'), kernelBuild: parseKernelBuildId('ab'.repeat(20)) };

const entry = (seq: number): LogEntry => ({
  ...{ ...log, seq: parseSeq(seq), previousHash: firstPreviousHash, body: { kind: 'retire', retires: parseSeq(1) } },
  ...{ hash: 'ff'.repeat(32) as Sha256, signature: '' as EntrySignature },
});

function logs(...stored: LogEntry[]) {
  const reads: number[] = [];
  const known = new KnownLogs({
    entries: async (_, afterSeq = 0) => {
      reads.push(afterSeq);
      await new Promise(setImmediate);
      return stored.filter(({ seq }) => seq > afterSeq);
    },
  });
  const seqsAfter = async (seq: number): Promise<number[]> =>
    (await known.extensionsAfter(log, seq)).flatMap(({ message }) => {
      const { message: sent } = ConnectResponse.decode(message.bytes);
      return sent?.$case === 'extension' ? sent.value.entries.map((each) => each.seq) : [];
    });
  return { known, reads, stored, seqsAfter };
}

test('a thousand nodes that ask at once cost one read, and get the very same bytes', async () => {
  const { known, reads } = logs(entry(1), entry(2));
  const asked = Array.from({ length: 1000 }, () => known.extensionsAfter(log, 1));
  const messages = new Set((await Promise.all(asked)).flatMap((each) => each.map(({ message }) => message)));
  expect([messages.size, reads]).toEqual([1, [0]]);
});

test('what was appended is read from where the log ended, also if that happened while it was read', async () => {
  const { known, reads, stored, seqsAfter } = logs(entry(1));
  expect(await seqsAfter(0)).toEqual([1]);
  const reading = known.head(log);
  stored.push(entry(2));
  known.noteGrowth(log);
  await reading;
  expect([await seqsAfter(0), await seqsAfter(1), await seqsAfter(2)]).toEqual([[1, 2], [2], []]);
  expect(reads).toEqual([0, 1]);
});

test('nodes are told within what time to fetch, by what is known when it is encoded', async () => {
  const store = { entries: async () => [entry(1)] };
  const known = new KnownLogs(store, { fetchWithinMs: () => 7_000 });
  const [extension] = await known.extensionsAfter(log, 0);
  const { message } = ConnectResponse.decode(extension!.message.bytes);
  expect(message).toMatchObject({ $case: 'extension', value: { fetchWithinMs: 7_000 } });
});
