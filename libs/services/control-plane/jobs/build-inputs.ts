// SPDX-License-Identifier: GPL-2.0-only
import type { PatchId } from '@lockstep/domain/livepatch-model';
import type { BuildRecord, Database, PatchRecord } from '@lockstep/io/database';
import type { BuildInputs, SourceDiff } from '@lockstep/io/job-queue';

/** The diffs that a patch consists of: its own, or those of what it combines, in order. */
async function sourcesOf(db: Pick<Database, 'patches'>, patch: PatchRecord): Promise<SourceDiff[]> {
  if (patch.combines.length > 0) {
    const parts: SourceDiff[][] = [];
    for (const part of patch.combines) parts.push(await sourcesOf(db, await db.patches.require(part)));
    return parts.flat();
  }
  const diff = Buffer.from(await db.patches.diff(patch.id)).toString('base64');
  const { id, name: patchName, allowedTypeChanges, fuzz, mayChangeBuild } = patch;
  const words = { ...(fuzz > 0 && { fuzz }), ...(mayChangeBuild && { mayChangeBuild }) };
  return [{ patch: id, patchName, diff, allowedTypeChanges, ...words }];
}

/** All that a worker needs for a build. */
export async function buildInputs(db: Pick<Database, 'patches'>, build: BuildRecord): Promise<BuildInputs> {
  const patch = await db.patches.require(build.patch);
  const onto: SourceDiff[] = [];
  for (const below of build.onto)
    onto.push(...(await sourcesOf(db, await db.patches.require(below satisfies PatchId))));
  return {
    patch: patch.id,
    patchName: patch.name,
    kernelBuild: build.kernelBuild,
    diffs: await sourcesOf(db, patch),
    onto,
    replace: patch.combines.length > 0,
    ...(build.reproduce && { reproduce: true }),
  };
}
