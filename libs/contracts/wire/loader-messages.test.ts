// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { ToLoader } from '@lockstep/contracts/generated';
import { LockstepError, parseClusterName, parseModuleName, parseSeq } from '@lockstep/domain/livepatch-model';
import type { ControlWord } from '@lockstep/domain/node-state';
import fc from 'fast-check';
import { readToLoader, writeToLoader, type ToLoaderMessage } from './loader-messages';

const seq = fc.nat().map(parseSeq);
const problem = fc.record({ reason: fc.string({ maxLength: 64 }), message: fc.string({ maxLength: 4096 }) });
const moduleName = fc.stringMatching(/^[A-Za-z0-9_]{1,55}$/).map(parseModuleName);

const word: fc.Arbitrary<ControlWord> = fc.oneof(
  fc.constantFrom<ControlWord>({ kind: 'session-opened' }, { kind: 'retry-due' }, { kind: 'log-offered', entries: [] }),
  fc
    .integer({ min: 1, max: 2 ** 32 - 1 })
    .map((ms) => ({ kind: 'log-offered' as const, entries: [], fetchWithinMs: ms })),
  problem.map((said) => ({ kind: 'log-unreadable' as const, problem: said })),
  seq.map((to) => ({ kind: 'move-requested' as const, seq: to })),
  fc.string({ maxLength: 64 }).map((crashedBoot) => ({ kind: 'release-requested' as const, crashedBoot })),
  fc.array(moduleName, { maxLength: 5 }).map((modules) => ({ kind: 'repair-requested' as const, modules })),
);

const message: fc.Arbitrary<ToLoaderMessage> = fc.oneof(
  word.map((said) => ({ kind: 'word' as const, word: said })),
  fc.string({ maxLength: 1024 }).map((logPublicKey) => ({
    ...{ kind: 'introduction' as const, cluster: parseClusterName('web'), logPublicKey },
  })),
  seq.map((afterSeq) => ({ kind: 'entries-wanted' as const, afterSeq })),
  fc.constant<ToLoaderMessage>({ kind: 'chunk', chunk: { kind: 'end' } }),
  fc.record({ kind: fc.constantFrom('refused' as const, 'away' as const), problem }).map((chunk) => ({
    ...{ kind: 'chunk' as const, chunk },
  })),
);

test('what one half says the other reads', () => {
  fc.assert(
    fc.property(message, (said) => {
      expect(readToLoader(writeToLoader(said))).toEqual(said);
    }),
  );
  const bytes = Buffer.from('some of a module');
  const read = readToLoader(writeToLoader({ kind: 'chunk', chunk: { kind: 'bytes', bytes } }));
  expect(read).toMatchObject({ chunk: { kind: 'bytes', bytes } });
});

const isRefused = (bytes: Uint8Array): boolean => {
  try {
    readToLoader(bytes);
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(LockstepError);
    expect(['invalid-input', 'refused']).toContain((error as LockstepError).kind);
    return true;
  }
};

test('bytes that are no message, or a message with some of them changed, are read or refused: nothing else happens', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof isRefused(bytes) === 'boolean'));
  fc.assert(
    fc.property(message, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), (said, changes) => {
      const bytes = writeToLoader(said);
      for (const [at, value] of changes) bytes[at % Math.max(1, bytes.length)] = value;
      return typeof isRefused(bytes) === 'boolean';
    }),
  );
});

test.each<[string, ToLoader['message']]>([
  ['nothing', undefined],
  [
    'another version of the protocol',
    { $case: 'introduction', value: { protocol: 2, cluster: 'web', logPublicKey: '', newestLogPublicKey: '' } },
  ],
  [
    'a cluster that is none',
    { $case: 'introduction', value: { protocol: 1, cluster: '../web', logPublicKey: '', newestLogPublicKey: '' } },
  ],
  [
    'a key of a megabyte',
    {
      $case: 'introduction',
      value: { protocol: 1, cluster: 'web', logPublicKey: 'k'.repeat(1e6), newestLogPublicKey: '' },
    },
  ],
  ['an entry without content', { $case: 'extension', value: { entries: [], traceparent: '', fetchWithinMs: 0 } }],
  ['a module that is a path', { $case: 'repair', value: { modules: ['../x'] } }],
  ['modules without end', { $case: 'repair', value: { modules: Array<string>(2000).fill('m') } }],
  ['a long boot id', { $case: 'release', value: { crashedBootId: 'b'.repeat(65) } }],
  ['a long problem', { $case: 'logUnreadable', value: { reason: 'r', message: 'm'.repeat(5000) } }],
])('%s is refused', (what, said) => {
  const entries = what === 'an entry without content';
  // An empty entry, as its two bytes: the generated code would fill in what is missing.
  const bytes = entries ? Buffer.from([0x1a, 0x02, 0x0a, 0x00]) : ToLoader.encode({ message: said }).finish();
  expect(isRefused(bytes)).toBe(true);
});
