// SPDX-License-Identifier: GPL-2.0-only
import {
  changedTypes,
  isOnlyTold,
  isVouchedFor,
  type AllowedTypeChanges,
  type TypeChange,
} from '@lockstep/domain/type-layouts';
import { sameButDebugInformation } from '../objects/same-code';
import type { TypeRecords } from './compile-patch';

/**
 * The types that one object understands in another way with a patch, without those that its code has nothing to do with:
 * where the patched sources compile to the very same code with them as they were, old objects are right for it. A header
 * changes types for all who read it, and most use none of them.
 */
export async function reachedTypes(
  records: TypeRecords,
  objectPath: string,
  allowed: AllowedTypeChanges | undefined,
): Promise<TypeChange[]> {
  const { original, patched } = records;
  const changes = changedTypes(original, patched, objectPath);
  const inQuestion = changes.filter(
    (change) => change.lifetime !== 'stack' && !isOnlyTold(change) && !isVouchedFor(change, allowed),
  );
  if (inQuestion.length === 0) return changes;
  const names = new Set(inQuestion.map(({ type }) => type));
  const asBefore = await records.withTypesAsBefore(new Set([...names].map((name) => name.replace(/^\w+ /, ''))));
  if (asBefore === undefined || !(await sameButDebugInformation(asBefore, patched))) return changes;
  // What changes them may stand elsewhere: a macro, another type in them.
  const remaining = new Set(changedTypes(original, asBefore, objectPath).map(({ type }) => type));
  return changes.filter(({ type }) => !names.has(type) || remaining.has(type));
}
