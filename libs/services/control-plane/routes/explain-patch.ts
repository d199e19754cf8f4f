// SPDX-License-Identifier: GPL-2.0-only
import type { ExplainedBuild, ExplainPatchRequest, ExplainPatchResponse } from '@lockstep/contracts/generated';
import { functionToWire } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { Uses } from '../services';
import { buildsToWire } from '../views/build-view';

/** Of every build of the patch that has succeeded. @throws LockstepError `refused` `not-built`. */
export async function explainPatch(
  { db }: Uses<'db.patches' | 'db.builds'>,
  request: ExplainPatchRequest,
): Promise<ExplainPatchResponse> {
  const patch = await db.patches.require(request.patch);
  const isMeant = (kernelBuild: string): boolean => ['', kernelBuild].includes(request.kernelBuildId);
  const built = (await db.builds.ofPatch(patch.id)).filter(
    ({ artifact, kernelBuild }) => artifact !== null && isMeant(kernelBuild),
  );
  if (built.length === 0) {
    const message = `No build of ${patch.name} has succeeded: \`lockstep patch show ${patch.name}\` tells how they stand.`;
    throw new LockstepError('refused', 'not-built', message, { patch: patch.id });
  }
  const views = await buildsToWire(db, built);
  const builds: ExplainedBuild[] = [];
  for (const build of views) {
    const functions = (await db.builds.explanation(build.id)).map(({ objectPath, reasons, ...fn }) => {
      return { function: functionToWire(fn), objectPath, reasons: [...reasons] };
    });
    builds.push({ build, functions });
  }
  return { builds };
}
