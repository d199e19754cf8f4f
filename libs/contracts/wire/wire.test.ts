// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import fc from 'fast-check';
import { Consistency, LogEntry as WireLogEntry } from '@lockstep/contracts/generated';
import { parseLogKey, type EntrySignature, type LogEntry } from '@lockstep/domain/load-order';
import {
  LockstepError,
  parseClusterName,
  parseKernelBuildId,
  parseModuleName,
  parsePatchId,
  parsePatchName,
  parseSeq,
  parseSha256,
} from '@lockstep/domain/livepatch-model';
import { errorFromStatus, limitText, statusFromError } from './error-status';
import { entryFromWire, entryToWire, manifestFromWire, manifestToWire } from './log-entry';

const hex = (bytes: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
const slug = fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/);
const seqs = fc.uniqueArray(fc.integer({ min: 1, max: 99 })).map((all) => all.sort((a, b) => a - b).map(parseSeq));

const caveat = fc.record({ kind: fc.constantFrom('stays-loaded' as const, 'type-changed' as const), message: slug });

const body = fc.oneof(
  fc.record({
    kind: fc.constant('load' as const),
    artifact: fc.record(
      {
        sha256: hex(32).map(parseSha256),
        sizeBytes: fc.nat(),
        kernelBuild: hex(20).map(parseKernelBuildId),
        moduleName: slug.map(parseModuleName),
        patch: hex(32).map(parsePatchId),
        patchName: slug.map(parsePatchName),
        replace: fc.boolean(),
        functions: fc.array(fc.record({ object: slug, name: slug, sympos: fc.nat(9) })),
        caveats: fc.array(caveat, { minLength: 1 }),
      },
      {
        requiredKeys: [
          'sha256',
          'sizeBytes',
          'kernelBuild',
          'moduleName',
          'patch',
          'patchName',
          'replace',
          'functions',
        ],
      },
    ),
    overrides: seqs,
    builtOnto: seqs,
    consistency: fc.constantFrom(undefined, 'per_task' as const, 'system' as const, 'stop_machine' as const),
    transitionTimeoutMs: fc.option(fc.integer({ min: 1000, max: 86_400_000 }), { nil: undefined }),
    stableMs: fc.option(fc.integer({ min: 1000, max: 86_400_000 }), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('retire' as const), retires: fc.integer({ min: 1, max: 99 }).map(parseSeq) }),
  fc.record({
    kind: fc.constant('rotate' as const),
    key: fc
      .stringMatching(/^[A-Za-z0-9+/]{59}$/)
      .map((text) => parseLogKey(`-----BEGIN PUBLIC KEY-----\n${text}=\n-----END PUBLIC KEY-----\n`)),
    proof: fc.base64String().map((text) => text as EntrySignature),
  }),
);

const entry: fc.Arbitrary<LogEntry> = fc.record({
  cluster: slug.map(parseClusterName),
  kernelBuild: hex(20).map(parseKernelBuildId),
  seq: fc.integer({ min: 1, max: 1e9 }).map(parseSeq),
  previousHash: hex(32).map(parseSha256),
  body,
  hash: hex(32).map(parseSha256),
  signature: fc.base64String().map((text) => text as EntrySignature),
});

test('a module whose caveat is of a kind that is not known is not taken', () => {
  const [load] = fc.sample(body, { numRuns: 20, seed: 1 }).filter((each) => each.kind === 'load');
  const wire = { ...manifestToWire(load!.artifact), caveats: [{ kind: 'glows', message: 'in the dark' }] };
  expect(() => manifestFromWire(wire)).toThrow(/kind "glows", which this program does not know/);
});

describe('log entries', () => {
  test('come back from the wire as they went', () => {
    fc.assert(
      fc.property(entry, (original) => {
        const bytes = WireLogEntry.encode(entryToWire(original)).finish();
        expect(entryFromWire(WireLogEntry.decode(bytes))).toEqual(original);
      }),
    );
  });

  const [sample] = fc.sample(entry, { numRuns: 1, seed: 1 });
  const wire = entryToWire(sample!);
  const [load] = fc.sample(body, { numRuns: 20, seed: 1 }).filter((each) => each.kind === 'load');
  const artifact = manifestToWire(load!.artifact);
  test.each([
    ['no body', { ...wire, body: undefined }],
    ['a hash that is none', { ...wire, hash: 'xyz' }],
    ['a cluster name with a slash', { ...wire, cluster: '../web' }],
    [
      'a load without an artifact',
      {
        ...wire,
        body: {
          $case: 'load' as const,
          value: {
            ...{ artifact: undefined, overrides: [], builtOnto: [], mayInterrupt: false },
            ...{ consistency: Consistency.CONSISTENCY_SYSTEM, transitionTimeoutMs: 0, stableMs: 0 },
          },
        },
      },
    ],
    [
      'a transition timeout of 10 ms',
      {
        ...wire,
        body: {
          $case: 'load' as const,
          value: {
            ...{ artifact, overrides: [], builtOnto: [], mayInterrupt: false },
            ...{ consistency: Consistency.CONSISTENCY_UNSPECIFIED, transitionTimeoutMs: 10, stableMs: 0 },
          },
        },
      },
    ],
  ])('with %s are refused', (_, bad) => {
    expect(() => entryFromWire(bad)).toThrow(LockstepError);
  });

  test('of a version from the future are not readable, and say so; one without a version is of the first', () => {
    expect(() => entryFromWire({ ...wire, version: 99 })).toThrow(
      expect.objectContaining({ reason: 'entry-not-readable', fields: { seq: wire.seq, version: 99 } }),
    );
    expect(entryFromWire({ ...wire, version: 0 })).toEqual(sample);
  });
});

/** A thrown error as the caller on the other side gets it. */
function overTheWire(error: unknown): LockstepError {
  const { code = status.UNKNOWN, details = '', metadata = new Metadata() } = statusFromError(error);
  const received: ServiceError = Object.assign(new Error(details), { code, details, metadata });
  return errorFromStatus(received, false);
}

describe('errors', () => {
  test('keep kind, reason, message and fields', () => {
    const original = new LockstepError('refused', 'unforced-conflict', 'Conflict: “a”.', {
      functions: ['vmlinux:a'],
      seq: 2,
    });
    const received = overTheWire(original);
    const { kind, reason, message, fields } = original;
    expect(received).toMatchObject({ kind, reason, message, fields });
  });

  test('that are our bugs tell nothing of the inside', () => {
    const received = overTheWire(new Error('password is hunter2'));
    expect(received.kind).toBe('internal');
    expect(received.message).not.toContain('hunter2');
  });

  test.each([
    ['our own doing', true, { kind: 'cancelled', reason: 'grpc-cancelled' }],
    ["the server's end", false, { kind: 'unavailable', reason: 'ended-by-server' }],
  ])('a call that was cut off is %s', (_, cancelledHere, expected) => {
    const cut = { code: status.CANCELLED, details: 'Call cancelled', metadata: new Metadata() };
    expect(errorFromStatus(Object.assign(new Error('x'), cut), cancelledHere)).toMatchObject(expected);
  });

  test('a text is cut to its limit between characters, and says so', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 12, max: 80 }), (text, limit) => {
        const cut = limitText(text, limit);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(limit);
        const whole = cut === text;
        const begins = cut.endsWith(' … (cut)') && text.startsWith(cut.slice(0, -' … (cut)'.length));
        expect(whole || begins).toBe(true);
      }),
    );
  });

  test('of the transport are named too', () => {
    const error = Object.assign(new Error('x'), {
      code: status.DEADLINE_EXCEEDED,
      details: 'x',
      metadata: new Metadata(),
    });
    expect(errorFromStatus(error, false)).toMatchObject({ kind: 'unavailable', reason: 'grpc-deadline-exceeded' });
  });
});
