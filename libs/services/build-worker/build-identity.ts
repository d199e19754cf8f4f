// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { moduleNameOf, parseSha256, type ModuleName } from '@lockstep/domain/livepatch-model';
import type { BuildInputs } from '@lockstep/io/job-queue';

/**
 * The module's name tells apart what one patch is built into: over other patches it is other code, and must never be
 * taken for the same module by a node that holds one and is to hold the other.
 */
export function moduleNameFor({ patch, patchName, onto }: BuildInputs): ModuleName {
  if (onto.length === 0) return moduleNameOf(patchName, patch);
  const below = onto.map((each) => each.patch).join('\n');
  const digest = createHash('sha256').update(`lockstep stacked build 1\n${patch}\n${below}`).digest('hex');
  return moduleNameOf(patchName, parseSha256(digest));
}
