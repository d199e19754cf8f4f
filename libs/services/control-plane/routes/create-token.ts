// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import type { CreateTokenRequest, CreateTokenResponse } from '@lockstep/contracts/generated';
import { ownerKindFromWire, roleFromWire, scopeFromWire } from '@lockstep/contracts/wire';
import { parseOwnerName, parseTokenName, subjectOf } from '@lockstep/domain/access';
import { LockstepError, parseSha256, type ClusterName } from '@lockstep/domain/livepatch-model';
import type { AccessTokenRecord } from '@lockstep/io/database';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Stores, Uses } from '../services';
import { tokenToWire } from '../views/token-view';

const daySeconds = 24 * 3600;
const defaultTtlSeconds = 90 * daySeconds;
/** What nobody renews for a year nobody knows of any more. */
const maxTtlSeconds = 366 * daySeconds;

function expiryOf(ttlSeconds: number): Date {
  if (ttlSeconds <= maxTtlSeconds) {
    return new Date(Date.now() + (ttlSeconds === 0 ? defaultTtlSeconds : ttlSeconds) * 1000);
  }
  const message = `An access token lives for at most ${maxTtlSeconds / daySeconds} days.`;
  throw new LockstepError('invalid-input', 'ttl-too-long', message, { ttlSeconds, maxTtlSeconds });
}

/** Rights in a cluster that does not exist would be given to whoever makes one of that name. */
async function insistClusters(db: Stores<'clusters'>, clusters: readonly ClusterName[]): Promise<void> {
  for (const cluster of clusters) await db.clusters.require(cluster);
}

/** @throws LockstepError `already-exists` `token-name-taken`, `token-secret-taken`; `invalid-input` `no-role`, `no-scope`, `ttl-too-long`. */
export async function createToken(
  { db, tokens }: Uses<'db.clusters' | 'tokens'>,
  request: CreateTokenRequest,
  { kept, caller }: KeepingContext<CreateTokenResponse>,
): Promise<CreateTokenResponse> {
  const roles = [...new Set(request.roles.map(roleFromWire))];
  if (roles.length === 0) {
    const message = 'A token without a role may do nothing: name at least one.';
    throw new LockstepError('invalid-input', 'no-role', message);
  }
  const scope = scopeFromWire(request.scope);
  if (scope.clusters !== 'all') await insistClusters(db, scope.clusters);
  const token = {
    id: randomUUID(),
    name: parseTokenName(request.name),
    owner: { kind: ownerKindFromWire(request.ownerKind), name: parseOwnerName(request.owner) },
    ...{ roles, scope },
    secretSha256: parseSha256(request.secretSha256),
    createdBy: subjectOf(caller.identity),
    expiresAt: expiryOf(request.ttlSeconds),
    ...{ session: false, begunWith: null },
  };
  const answer = (created: AccessTokenRecord): CreateTokenResponse => ({ token: tokenToWire(created) });
  return answer(await tokens.create(token, kept(answer)));
}
