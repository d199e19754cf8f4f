// SPDX-License-Identifier: GPL-2.0-only
import type { DownloadArtifactRequest, DownloadArtifactResponse } from '@lockstep/contracts/generated';
import { LockstepError, parseSha256 } from '@lockstep/domain/livepatch-model';
import type { Services } from '../services';

/** A module's bytes from an offset on, for nodes only; they check it against the signed entry themselves. */
export async function* downloadArtifact(
  { artifacts, db }: Services,
  request: DownloadArtifactRequest,
  identify: () => Promise<unknown>,
): AsyncGenerator<DownloadArtifactResponse> {
  await identify();
  const sha256 = parseSha256(request.sha256);
  if (!(await db.builds.knowsArtifact(sha256))) {
    throw new LockstepError('not-found', 'unknown-artifact', `There is no artifact ${sha256}.`, { sha256 });
  }
  for await (const chunk of artifacts.read(sha256, request.offset)) yield { chunk: Buffer.from(chunk) };
}
