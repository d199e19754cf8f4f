// SPDX-License-Identifier: GPL-2.0-only
import type { DownloadArtifactRequest, DownloadArtifactResponse } from '@lockstep/contracts/generated';
import { LockstepError, parseSha256 } from '@lockstep/domain/livepatch-model';
import type { NodeRecord } from '@lockstep/io/database';
import type { Uses } from '../services';

/** A module's bytes from an offset on, for nodes of a cluster that loads it; they check it against the signed entry. */
export async function* downloadArtifact(
  { artifacts, transfers, db }: Uses<'artifacts' | 'transfers' | 'db.loadOrders'>,
  request: DownloadArtifactRequest,
  { name, cluster }: Pick<NodeRecord, 'name' | 'cluster'>,
): AsyncGenerator<DownloadArtifactResponse> {
  const sha256 = parseSha256(request.sha256);
  if (!(await db.loadOrders.loads(cluster, sha256))) {
    const message = `No load order of ${cluster} names an artifact ${sha256}.`;
    throw new LockstepError('not-found', 'unknown-artifact', message, { cluster, sha256 });
  }
  const nothingYet = { chunk: Buffer.alloc(0) };
  yield* transfers.inTurn(name, nothingYet, async function* () {
    for await (const chunk of artifacts.read(sha256, request.offset)) yield { chunk: Buffer.from(chunk) };
  });
}
