// SPDX-License-Identifier: GPL-2.0-only
import type { PatchedFunction } from '@lockstep/domain/livepatch-model';
import { describeReason } from '@lockstep/domain/object-diff';
import type { ExplainedFunction } from '@lockstep/io/job-queue';
import type { ComparedObject } from '@lockstep/io/kernel-builder';

/**
 * Why each function of a module counts as changed.
 * @param functions as the module has them: by object, in the order of the compared objects
 */
export function explainBuild(
  compared: readonly ComparedObject[],
  functions: readonly PatchedFunction[],
): ExplainedFunction[] {
  const found = compared.flatMap(({ object, diff }) =>
    diff.functions.map(({ symbol, reasons }) => {
      return { object, name: symbol.name, objectPath: diff.objectPath, reasons: reasons.map(describeReason) };
    }),
  );
  const left = [...found];
  return functions.map((fn) => {
    // Duplicate names of one object lie in the same order in both.
    const at = left.findIndex(({ object, name }) => object === fn.object && name === fn.name);
    const [match] = at === -1 ? [] : left.splice(at, 1);
    return { ...fn, objectPath: match?.objectPath ?? '', reasons: match?.reasons ?? [] };
  });
}
