// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import {
  changedTypes,
  isOnlyTold,
  refuseTypeChanges,
  remarksOnTypes,
  type TypeChange,
} from '@lockstep/domain/type-layouts';
import { compileC } from './index';

const source = path.join(__dirname, 'sources/types-grown.c');
const flags = ['-gdwarf-4'];
const original = compileC(source, ...flags);
const patched = compileC(source, '-DPATCHED', ...flags);
const changes = changedTypes(original, patched, 'types-grown.o');
const changeOf = (type: string): TypeChange | undefined => changes.find((change) => change.type === type);

describe('what differs', () => {
  test.each<[string, string | null, RegExp]>([
    ['struct at_end', 'added', /^is new, at byte 8$/],
    ['struct in_middle', 'added', /^is new, at byte 8$/],
    ['struct outer', 'behind', /^is at byte 32, and was at byte 24$/],
    ['struct in_hole', 'added', /^is new, at byte 4$/],
    ['struct swapped', 'one', /^is at byte 8, and was at byte 0$/],
    ['struct retyped', 'value', /^is unsigned int, and was int$/],
    ['struct bits', 'two', /^is new, at byte 0, bit 3$/],
    ['struct flag_added', 'two', /^is new, at byte 0, bit 3$/],
    ['struct flag_gone', 'two', /^is gone from byte 4$/],
    ['struct overlaid', 'two', /^is new, at byte 0$/],
    ['enum state', 'ENDED', /^is 2, and was 1$/],
    ['enum last_state', 'CLOSED', /^is 2, and was 1$/],
    ['constant IS_DEAD', null, /^is 4, and was 2$/],
    ['constant IS_IDLE', null, /^is 2, and was 4$/],
    ['unnamed_t', 'other', /^is new, at byte 4$/],
    ['struct on_stack', 'other', /^is new, at byte 4$/],
    ['struct waiter', 'other', /^is new, at byte 16$/],
    ['struct collector', 'other', /^is new, at byte 16$/],
    ['struct polled', 'other', /^is new, at byte 0$/],
    ['struct asked', 'other', /^is new, at byte 0$/],
    ['struct walked', 'other', /^is new, at byte 0$/],
  ])('%s', (type, member, what) => {
    expect(changeOf(type)).toMatchObject({ type, member });
    expect(changeOf(type)?.what).toMatch(what);
  });

  test('nothing else: new types, types that are the same', () => {
    expect(changes.filter((change) => !isOnlyTold(change))).toHaveLength(21);
  });

  test('what counts the others moves when one is added: told, and not refused, for objects may keep it all the same', () => {
    const counts = changes.filter(({ isCount }) => isCount === true);
    expect(counts).toEqual([
      {
        type: 'enum more',
        member: 'COUNT',
        what: 'is 3, and was 2',
        isPadding: false,
        isCount: true,
        lifetime: 'longer',
      },
    ]);
    const objects = [
      { objectPath: 'one.o', types: counts },
      { objectPath: 'other.o', types: counts },
    ];
    expect(refuseTypeChanges(objects, undefined, true)).toEqual([]);
    expect(remarksOnTypes(objects)).toEqual([expect.stringMatching(/^COUNT of enum more is 3, and was 2: right if/)]);
  });

  test('numbers that are called otherwise are told, and not refused: their bytes say nothing of how they are meant', () => {
    const meanings = changes.filter(({ isMeaning }) => isMeaning === true);
    expect(meanings.map(({ type, member, what }) => [type, member, what])).toEqual([
      ['struct meant', 'length', 'is __le32, and was __be32'],
      ['struct meant_list', 'stamps', 'is ticks_t * [], and was seconds_t * []'],
      ['variable limit', null, 'is __be32, and was unsigned int'],
    ]);
    const objects = [{ objectPath: 'one.o', types: meanings }];
    expect(refuseTypeChanges(objects, undefined, true)).toEqual([]);
    expect(remarksOnTypes(objects)[0]).toMatch(
      /^length of struct meant is __le32, and was __be32: right if both names/,
    );
  });

  test('what lies in padding alone, and where others lie or move', () => {
    const inPadding = changes.filter(({ isPadding }) => isPadding).map(({ type }) => type);
    expect(inPadding).toEqual(['struct flag_added', 'struct flag_gone', 'struct in_hole']);
  });

  test('an object against itself, by DWARF 4 and 5', () => {
    expect(changedTypes(original, original, 'a.o')).toEqual([]);
    expect(changedTypes(compileC(source, '-gdwarf-5'), patched, 'a.o')).toEqual(changes);
  });
});

describe('how long it lives', () => {
  test.each([
    ['struct at_end', 'longer'],
    ['struct in_hole', 'longer'],
    ['unnamed_t', 'longer'],
    ['struct waiter', 'longer'],
    ['struct polled', 'longer'],
    ['struct asked', 'longer'],
    ['struct walked', 'stack'],
    ['struct on_stack', 'stack'],
    ['struct collector', 'stack'],
  ])('%s: %s', (type, lifetime) => {
    expect(changeOf(type)?.lifetime).toBe(lifetime);
  });
});

const types = (change: Partial<TypeChange>, objectPath = 'a.o') => ({
  objectPath,
  types: [
    {
      type: 'struct held',
      member: 'added',
      what: 'is new, at byte 8',
      isPadding: false,
      lifetime: 'longer' as const,
      ...change,
    },
  ],
});

function refusal(work: () => unknown): LockstepError {
  try {
    work();
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('what a patch may do', () => {
  test('what lives longer is refused with member, way out and the words that would let it through', () => {
    const { message, reason, fields } = refusal(() => refuseTypeChanges([types({})], undefined, false));
    expect(reason).toBe('type-changed');
    expect(fields).toMatchObject({ object: 'a.o', type: 'struct held', member: 'added' });
    expect(message).toContain('added of struct held is new, at byte 8');
    expect(message).toContain('klp_shadow_get_or_alloc()');
    expect(message).toContain("--allow-type-change 'struct held' --because");
  });

  test('of several the one is told that does not only follow another', () => {
    const outer = types({ type: 'struct embedding', member: 'last', what: 'is at byte 32, and was at byte 24' });
    expect(refusal(() => refuseTypeChanges([outer, types({})], undefined, true)).fields).toMatchObject({
      type: 'struct held',
      types: ['struct embedding', 'struct held'],
    });
  });

  test('of several that only follow the one is told that has another size', () => {
    const outer = types({ type: 'struct embedding', member: 'last', what: 'is at byte 32, and was at byte 24' });
    const packed = types({ member: null, what: 'is 16 bytes, and was 12' });
    expect(refusal(() => refuseTypeChanges([outer, packed], undefined, true)).fields).toMatchObject({
      type: 'struct held',
    });
  });

  test('of what was padding it says what is there, and when an author may let it pass', () => {
    const { message } = refusal(() => refuseTypeChanges([types({ isPadding: true })], undefined, false));
    expect(message).toContain('added of struct held is new, at byte 8, and nothing else moves. Objects that');
    expect(message).toContain('Objects that the running code has made have padding there, which nobody sets');
    const gone = types({ isPadding: true, what: 'is gone from byte 4' });
    expect(refusal(() => refuseTypeChanges([gone], undefined, false)).message).toContain(
      'Objects that new code makes have padding there, which nobody sets: it holds whatever that memory held before, and old code',
    );
    expect(message).toContain(
      "if every one is zeroed whole where it is made (static, kzalloc()), none is copied from a stack, and 0 is right for all code, say so: --allow-type-change 'struct held'",
    );
    expect(message).not.toContain('beside them');
  });

  test('of a constant it says what becomes of the values that are kept', () => {
    const change = {
      type: 'constant WORKER_IDLE',
      member: null,
      what: 'is 2, and was 4',
      lifetime: 'unknown',
    } as const;
    const { message } = refusal(() => refuseTypeChanges([types(change)], undefined, true));
    expect(message).toContain(
      'constant WORKER_IDLE is 2, and was 4. Objects that the running code has made keep the old',
    );
    expect(message).not.toContain('klp_shadow');
    const allowed = { types: ['WORKER_IDLE'], because: 'no worker is there' };
    expect(refuseTypeChanges([types(change)], allowed, true)).toHaveLength(1);
  });

  test('an author’s word lets it through, and only what it names', () => {
    const allowed = { types: ['held'], because: 'nobody has one' };
    expect(refuseTypeChanges([types({})], allowed, true)).toMatchObject([{ type: 'struct held' }]);
    expect(() => refuseTypeChanges([types({}), types({ type: 'union other' })], allowed, true)).toThrow(/union other/);
  });

  test('what is on a stack in one object and a parameter in another is not refused once all have spoken', () => {
    const [own, passed] = [types({ lifetime: 'stack' }), types({ lifetime: 'unknown' }, 'b.o')];
    expect(refuseTypeChanges([own, passed], undefined, true)).toEqual([]);
    expect(refuseTypeChanges([passed], undefined, false)).toEqual([]);
    expect(() => refuseTypeChanges([passed], undefined, true)).toThrow(LockstepError);
    expect(() => refuseTypeChanges([own, types({}, 'c.o')], undefined, false)).toThrow(LockstepError);
  });
});
