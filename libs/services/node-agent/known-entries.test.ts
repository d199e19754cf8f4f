// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { KnownEntries } from '@lockstep/contracts/generated';
import { entryToWire } from '@lockstep/contracts/wire';
import type { EntrySignature, LogEntry } from '@lockstep/domain/load-order';
import {
  parseClusterName,
  parseKernelBuildId,
  parseModuleName,
  parsePatchId,
  parsePatchName,
  parseSeq,
  parseSha256,
} from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import { entriesForOneMessage } from './known-entries';

const hash = parseSha256('ab'.repeat(32));
const kernelBuild = parseKernelBuildId('cd'.repeat(20));

/** An entry of this many functions; what it hashes to is not looked at. */
const entryOf = (functions: number, index: number): LogEntry => ({
  cluster: parseClusterName('web'),
  kernelBuild,
  seq: parseSeq(index + 1),
  previousHash: hash,
  body: {
    kind: 'load',
    artifact: {
      ...{ sha256: hash, sizeBytes: 1, kernelBuild, moduleName: parseModuleName('m'), patch: parsePatchId(hash) },
      ...{ patchName: parsePatchName('p'), replace: false },
      functions: Array.from({ length: functions }, (_, i) => ({ object: 'vmlinux', name: `function_${i}`, sympos: 0 })),
    },
    overrides: [],
    builtOnto: [],
  },
  hash,
  signature: 'c2ln' as EntrySignature,
});

test('asked again and again an agent tells all that it knows, in order, in messages of bounded size', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0, 1, 100, 3000), { maxLength: 12 }), fc.nat(3), (sizes, after) => {
      const known = sizes.map(entryOf);
      const told: number[] = [];
      for (let seq = after; seq < known.length; seq = told.at(-1)!) {
        const answer = entriesForOneMessage(known.slice(seq));
        expect(answer.length).toBeGreaterThan(0);
        const message = { entries: answer.map(entryToWire) };
        if (answer.length > 1) expect(KnownEntries.encode(message).finish().length).toBeLessThan(192 * 1024);
        told.push(...answer.map((entry) => entry.seq));
      }
      expect(told).toEqual(known.slice(after).map(({ seq }) => seq));
      expect(entriesForOneMessage([])).toEqual([]);
    }),
    { numRuns: 30 },
  );
});
