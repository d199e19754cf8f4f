// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import type { CreateTokenRequest, CreateTokenResponse } from '@lockstep/contracts/generated';
import { ownerKindFromWire, roleFromWire, scopeFromWire } from '@lockstep/contracts/wire';
import { parseOwnerName, parseTokenName, subjectOf } from '@lockstep/domain/access';
import { LockstepError, parseSha256, type ClusterName } from '@lockstep/domain/livepatch-model';
import { certificateFingerprint, readCertificateRequest, type CertificateAuthority } from '@lockstep/io/certificates';
import type { AccessTokenRecord, NewAccessToken } from '@lockstep/io/database';
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

/** What lets its owner in: a secret of their making, or a certificate of ours for a key of theirs. */
function proofOf(
  authority: Pick<CertificateAuthority, 'issueClientCertificate'>,
  { name, secretSha256, certificateRequest }: CreateTokenRequest,
  expiresAt: Date,
): Pick<NewAccessToken, 'secretSha256' | 'certificate'> & { readonly pem: string } {
  if ((secretSha256 === '') === (certificateRequest === '')) {
    const message =
      'A token is a secret or a client certificate: send the digest of the one, or the request for the other.';
    throw new LockstepError('invalid-input', 'secret-or-certificate', message);
  }
  if (secretSha256 !== '') return { secretSha256: parseSha256(secretSha256), certificate: false, pem: '' };
  const key = readCertificateRequest(certificateRequest);
  const pem = authority.issueClientCertificate(key, name, expiresAt);
  return { secretSha256: certificateFingerprint(pem), certificate: true, pem };
}

/** @throws LockstepError `already-exists` `token-name-taken`, `token-secret-taken`; `invalid-input` `no-role`, `no-scope`, `ttl-too-long`. */
export async function createToken(
  { db, tokens, authority }: Uses<'db.clusters' | 'tokens' | 'authority'>,
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
  const name = parseTokenName(request.name);
  const expiresAt = expiryOf(request.ttlSeconds);
  const { pem, ...proof } = proofOf(authority, { ...request, name }, expiresAt);
  const token = {
    id: randomUUID(),
    name,
    owner: { kind: ownerKindFromWire(request.ownerKind), name: parseOwnerName(request.owner) },
    ...{ roles, scope },
    ...proof,
    createdBy: subjectOf(caller.identity),
    ...{ expiresAt, session: false, begunWith: null },
  };
  const answer = (created: AccessTokenRecord): CreateTokenResponse => ({
    token: tokenToWire(created),
    certificate: pem,
  });
  return answer(await tokens.create(token, kept(answer)));
}
