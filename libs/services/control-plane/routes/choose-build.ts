// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type PatchId, type Seq } from '@lockstep/domain/livepatch-model';
import { entriesHolding, type LogName, type Stack } from '@lockstep/domain/load-order';
import type { BuiltRecord, PatchRecord } from '@lockstep/io/database';
import type { Stores } from '../services';

/** A build that fits a stack, and the entries whose changes it contains. */
export interface FittingBuild {
  readonly build: BuiltRecord;
  readonly builtOnto: readonly Seq[];
}

/** What choosing a build needs. */
export type BuildChooser = 'db.builds' | 'db.patches';

/** Looks, without waiting, for the build of a patch that fits a stack. */
export type ChooseBuild = (stack: Stack) => FittingBuild;

/** The patches with a diff of their own that a patch consists of. */
async function leavesOf(db: Stores<'patches'>, patch: PatchRecord): Promise<PatchId[]> {
  if (patch.combines.length === 0) return [patch.id];
  const parts: PatchId[][] = [];
  for (const part of patch.combines) parts.push(await leavesOf(db, await db.patches.require(part)));
  return parts.flat();
}

/** Which patches a combined one contains: its parts, and other combinations of nothing but them. */
async function containedIn(db: Stores<'patches'>, combined: PatchRecord): Promise<(patch: PatchId) => boolean> {
  const leaves = new Set(await leavesOf(db, combined));
  const contained = new Set(leaves);
  for (const other of await db.patches.list()) {
    if (other.combines.length === 0) continue;
    if ((await leavesOf(db, other)).every((leaf) => leaves.has(leaf))) contained.add(other.id);
  }
  return (patch) => contained.has(patch);
}

function noneFits(patch: PatchRecord, builds: readonly BuiltRecord[], stack: Stack): LockstepError {
  const holds = stack.map(({ body }) => body.artifact.patchName).join(' < ') || 'nothing';
  const message =
    `${patch.name} was only built onto other stacks; this one holds ${holds}: submit the patch without --onto, or onto ` +
    `#${stack.at(-1)?.seq ?? 0}.`;
  return new LockstepError('refused', 'built-onto-missing', message, { builds: builds.map(({ id }) => id) });
}

/**
 * Prepares the choice among the builds of a patch: `buildId` if given, otherwise the one that contains most of the stack.
 * @throws LockstepError `not-built`, `not-found` `unknown-build`; the choice itself `refused` `built-onto-missing`.
 */
export async function builtFor(
  db: Stores<'builds' | 'patches'>,
  log: LogName,
  patch: PatchRecord,
  buildId: string,
): Promise<ChooseBuild> {
  const all = await db.builds.requireBuilt(patch.id, log.kernelBuild);
  const builds = buildId === '' ? all : all.filter(({ id }) => id === buildId);
  if (builds.length === 0) {
    const message = `There is no finished build "${buildId}" of ${patch.name} for kernel build ${log.kernelBuild}.`;
    throw new LockstepError('not-found', 'unknown-build', message, { build: buildId });
  }
  const isContained = patch.combines.length > 0 ? await containedIn(db, patch) : undefined;
  return (stack) => {
    const fitting = builds.flatMap((build): FittingBuild[] => {
      if (isContained !== undefined) {
        const inside = stack.filter(({ body }) => isContained(body.artifact.patch));
        return [{ build, builtOnto: inside.map(({ seq }) => seq) }];
      }
      const builtOnto = entriesHolding(stack, build.onto);
      return builtOnto === undefined ? [] : [{ build, builtOnto }];
    });
    const [best] = fitting.sort((a, b) => b.builtOnto.length - a.builtOnto.length);
    if (best === undefined) throw noneFits(patch, builds, stack);
    return best;
  };
}
