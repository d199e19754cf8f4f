// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { diffObjects } from '@lockstep/domain/object-diff';
import fc from 'fast-check';
import { compilePair, fixtureTables } from './index';

/** Whatever is thrown but a refusal is thrown on. */
function outcomeOf(original: Uint8Array, patched: Uint8Array): string {
  try {
    diffObjects({ original, patched, objectPath: 'fixture.o', tables: fixtureTables });
    return 'read';
  } catch (error) {
    if (error instanceof LockstepError) return error.reason;
    throw error;
  }
}

const pair = compilePair('sites');
const headersAt = Number(new DataView(pair.patched.buffer, pair.patched.byteOffset).getBigUint64(40, true));

/** In the ELF header, in section headers (absurd counts, sizes, links, one lying over another), anywhere. */
const places = fc.oneof(
  fc.nat(63),
  fc.integer({ min: headersAt, max: pair.patched.length - 4 }),
  fc.nat(pair.patched.length - 4),
);
const values = fc.oneof(fc.constantFrom(0, 1, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff), fc.nat(255));
const damage = fc.tuple(fc.array(fc.tuple(places, values, fc.boolean()), { minLength: 1, maxLength: 4 }), fc.boolean());

describe('objects that are damaged', () => {
  test('are compared or refused, on either side, never worse', () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(damage, fc.nat(pair.patched.length), ([writes, isCut], kept) => {
        const broken = pair.patched.slice(0, isCut ? kept : undefined);
        for (const [at, value, isWide] of writes) {
          if (isWide && at + 4 <= broken.length) new DataView(broken.buffer).setUint32(at, value, true);
          else if (at < broken.length) broken[at] = value;
        }
        kinds.add(outcomeOf(pair.original, broken));
        kinds.add(outcomeOf(broken, pair.original));
        // Each piece of what is the same is the same, damaged or not.
        kinds.add(outcomeOf(broken, broken));
      }),
      { numRuns: 500 },
    );
    expect([...kinds]).toEqual(expect.arrayContaining(['read', 'malformed-elf']));
  }, 300_000);
});
