// SPDX-License-Identifier: GPL-2.0-only
import type { AuthorityStage, ListAuthoritiesResponse } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** The one that stands there now. @throws LockstepError `refused` `no-such-stage`. */
export async function authorityAt(
  ask: Promise<ListAuthoritiesResponse>,
  stage: AuthorityStage,
  otherwise: string,
): Promise<string> {
  const found = (await ask).authorities.find((each) => each.stage === stage);
  if (found !== undefined) return found.sha256;
  throw new LockstepError('refused', 'no-such-stage', otherwise);
}
