// SPDX-License-Identifier: GPL-2.0-only
import { differencesOf } from '@lockstep/domain/build-record';
import { LockstepError, type Sha256 } from '@lockstep/domain/livepatch-model';
import { readWhole, type ArtifactStore } from '@lockstep/io/artifact-store';
import { notReproducedReason } from '@lockstep/io/job-queue';
import { sha256OfBytes } from '@lockstep/platform/runtime';

/**
 * @param first of the unsigned module that another worker has built
 * @throws LockstepError `refused` `not-reproduced`, naming what differs
 */
export async function insistReproduced(first: Sha256, built: Uint8Array, artifacts: ArtifactStore): Promise<void> {
  const second = sha256OfBytes(built);
  if (second === first) return;
  const differences = differencesOf(await readWhole(artifacts, first), built);
  const message =
    `Two workers have built it, and not the same: ${differences.join('; ')}. Nothing is signed. One of the two has another ` +
    'compiler, a damaged kernel build or cache, or was tampered with: its log names them. Mend that, and submit it again.';
  throw new LockstepError('refused', notReproducedReason, message, { first, second, differences });
}
