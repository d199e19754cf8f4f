// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { compareLayouts, compareVariables, type LayoutChange } from './compare-layouts';
import { lifetimesOf, type Lifetime } from './lifetimes';
import { readDwarf } from './read-dwarf';

/** A type that an object understands in another way with the patch, and how long objects of it live. Plain data. */
export interface TypeChange extends LayoutChange {
  readonly lifetime: Lifetime;
}

/** What an author vouches for: that objects which old code made are right for new code, and the other way round. */
export interface AllowedTypeChanges {
  /** As refusals name them: `struct eventfd_ctx`. */
  readonly types: readonly string[];
  /** In the author's words. */
  readonly because: string;
}

/**
 * Compares the types of two builds of one object, both compiled with debug information.
 * @throws LockstepError `invalid-input` where that cannot be read
 */
export function changedTypes(original: Uint8Array, patched: Uint8Array, objectPath: string): TypeChange[] {
  const [before, after] = [readDwarf(original, objectPath), readDwarf(patched, `${objectPath} (patched)`)];
  const changes = compareLayouts(before, after);
  const variables = compareVariables(before, after).map((change): TypeChange => ({ ...change, lifetime: 'longer' }));
  if (changes.length === 0) return variables;
  const names = new Set(changes.map(({ type }) => type));
  const [old, now] = [lifetimesOf(before, names), lifetimesOf(after, names)];
  const lived = changes.map((change) => ({ ...change, lifetime: longest(old.get(change.type), now.get(change.type)) }));
  return [...lived, ...variables];
}

function longest(...lifetimes: readonly (Lifetime | undefined)[]): Lifetime {
  return (['longer', 'stack'] as const).find((one) => lifetimes.includes(one)) ?? 'unknown';
}

/** `added of struct held is new, at byte 8`, for people. */
export function describeTypeChange({ type, member, what, isPadding }: LayoutChange): string {
  return `${member === null ? type : `${member} of ${type}`} ${what}${isPadding ? ', and nothing else moves' : ''}`;
}

/** What becomes of objects that old and new code share, what to do instead, and when there is no need to. */
function consequenceAndWaysOut({ type, what, isPadding }: LayoutChange): readonly [string, string, string] {
  const made = 'Objects that the running code has made';
  const everyObject = 'if every object that is there is right for old and new code alike';
  if (/^(?:enum|constant) /.test(type)) {
    const instead = 'keep the values as they are and add new ones behind them';
    return [`${made} keep the old value, and new code would take it for another`, instead, everyObject];
  }
  if (type.startsWith('variable ')) {
    return [
      'What the running kernel has put there stays, and new code would take it for something else',
      'keep the variable as it is, and use a new one for new state',
      'if what is there is right for old and new code alike',
    ];
  }
  const shadow =
    `keep ${type} as it is and attach new state to its objects with klp_shadow_get_or_alloc() and klp_shadow_free() ` +
    '(shadow variables)';
  if (!isPadding) return [`${made} look otherwise, and new code would read and write beside them`, shadow, everyObject];
  const unset = 'padding there, which nobody sets: it holds whatever that memory held before, and';
  return [
    what.startsWith('is gone')
      ? `Objects that new code makes have ${unset} old code that still runs, or runs again, would read that`
      : `${made} have ${unset} new code would read that`,
    shadow,
    'if every one is zeroed whole where it is made (static, kzalloc()), none is copied from a stack, and 0 is right for all code',
  ];
}

/** Whether it only moves or grows, mostly for what it embeds: that says more. */
const isFollowing = ({ what }: LayoutChange): boolean => /^is (?:at byte|\d+ bytes)/.test(what);

export function isVouchedFor({ type }: LayoutChange, allowed: AllowedTypeChanges | undefined): boolean {
  return allowed?.types.some((name) => name === type || name === type.replace(/^\w+ /, '')) ?? false;
}

/** What is only said of a patch's types, for people. */
export function remarksOnTypes(objects: readonly ObjectTypes[]): string[] {
  const told = objects.flatMap(({ types }) =>
    types.flatMap((change) => {
      // What counts may also be a value that objects keep.
      if (change.isCount === true)
        return (
          `${describeTypeChange(change)}: right if it only counts the others. Objects that keep it have the old value, ` +
          'which new code takes for what was put in front of it'
        );
      if (change.isMeaning === true)
        return (
          `${describeTypeChange(change)}: right if both names mean the same. Where new code reads it in another way ` +
          '(another byte order, another unit), what old code has put there is read wrongly'
        );
      return [];
    }),
  );
  return [...new Set(told)];
}

/** Whether it is for its author to judge, and nothing in the objects says that it is wrong. */
export const isOnlyTold = ({ isCount, isMeaning }: LayoutChange): boolean => isCount === true || isMeaning === true;

/** What one object says of the types of a patch. */
export interface ObjectTypes {
  readonly objectPath: string;
  readonly types: readonly TypeChange[];
}

/**
 * Refuses a patch after which old and new code see different things in one object.
 * @param isComplete whether all objects of the patch have spoken: an object's own stack may be another's parameter
 * @returns the changes that an author's word let through
 * @throws LockstepError `type-changed`
 */
export function refuseTypeChanges(
  objects: readonly ObjectTypes[],
  allowed: AllowedTypeChanges | undefined,
  isComplete: boolean,
): TypeChange[] {
  const found = new Map<string, { objectPath: string; change: TypeChange; lifetimes: Set<Lifetime> }>();
  for (const { objectPath, types } of objects) {
    for (const change of types) {
      if (isOnlyTold(change)) continue;
      const known = found.get(change.type) ?? { objectPath, change, lifetimes: new Set() };
      found.set(change.type, known);
      known.lifetimes.add(change.lifetime);
    }
  }
  const lasting = [...found.values()].filter(({ lifetimes }) => {
    return lifetimes.has('longer') || (isComplete && !lifetimes.has('stack'));
  });
  const open = lasting.filter(({ change }) => !isVouchedFor(change, allowed));
  const isResized = ({ change }: { change: TypeChange }): boolean => change.member === null;
  // Where members lie closer or farther apart (packed, aligned), the type itself has another size.
  const first = open.find(({ change }) => !isFollowing(change)) ?? open.find(isResized) ?? open[0];
  if (first === undefined) return lasting.map(({ change }) => change);
  const { type, member } = first.change;
  const others = open.filter((one) => one !== first).map(({ change }) => change.type);
  const options = open.map(({ change }) => `--allow-type-change '${change.type}'`).join(' ');
  const [consequence, instead, condition] = consequenceAndWaysOut(first.change);
  throw new LockstepError(
    'refused',
    'type-changed',
    `${first.objectPath}: ${describeTypeChange(first.change)}` +
      `${others.length === 0 ? '' : ` (also changed: ${others.join(', ')})`}. ${consequence}. ` +
      `To go on: ${instead}, or, ${condition}, say so: ${options} --because "…".`,
    {
      object: first.objectPath,
      type,
      ...(member === null ? {} : { member }),
      types: open.map(({ change }) => change.type),
    },
  );
}
