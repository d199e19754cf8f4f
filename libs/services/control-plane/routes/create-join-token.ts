// SPDX-License-Identifier: GPL-2.0-only
import type { CreateJoinTokenRequest, CreateJoinTokenResponse } from '@lockstep/contracts/generated';
import { parseNamePattern } from '@lockstep/domain/access';
import { LockstepError, parseClusterName, parseNodeName } from '@lockstep/domain/livepatch-model';
import { formatJoinToken } from '@lockstep/contracts/wire';
import { newJoinToken, secretSha256 } from '@lockstep/io/certificates';
import type { Uses } from '../services';

const defaultTtlSeconds = 3600;
/** A token is a way in: it must not stay open for ever because nobody used it. */
const maxTtlSeconds = 30 * 24 * 3600;
const mostMachines = 10_000;

/** @throws LockstepError `invalid-input` `invalid-pattern`, `invalid-count`, `node-and-pattern`. */
function bulkOf({ node, allow, count }: CreateJoinTokenRequest): { allow: string; count: number } {
  if (node !== '') {
    const message =
      'A token is for one node by its name, or for many by what their names look like: say one of the two.';
    throw new LockstepError('invalid-input', 'node-and-pattern', message);
  }
  if (count >= 1 && count <= mostMachines) return { allow: parseNamePattern(allow), count };
  const message = `A token is for 1 to ${mostMachines} machines, not ${count}.`;
  throw new LockstepError('invalid-input', 'invalid-count', message, { count });
}

export async function createJoinToken(
  { db, authority, config }: Uses<'db.joinTokens' | 'authority' | 'config'>,
  request: CreateJoinTokenRequest,
): Promise<CreateJoinTokenResponse> {
  const ttlSeconds = request.ttlSeconds === 0 ? defaultTtlSeconds : request.ttlSeconds;
  if (ttlSeconds > maxTtlSeconds) {
    const message = `A join token lives for at most ${maxTtlSeconds} seconds.`;
    throw new LockstepError('invalid-input', 'ttl-too-long', message, { ttlSeconds, maxTtlSeconds });
  }
  const token = newJoinToken(authority.succession.anchor.pinSha256);
  const expiresAt = new Date(Date.now() + ttlSeconds * 1000);
  const common = { secretSha256: secretSha256(token.secret), cluster: parseClusterName(request.cluster), expiresAt };
  if (request.allow === '') await db.joinTokens.create({ ...common, node: parseNodeName(request.node) });
  else await db.joinTokens.createBulk({ ...common, ...bulkOf(request) });
  const agentAddress = config.agentAddress ?? `0.0.0.0:${config.agentPort}`;
  return { joinToken: formatJoinToken(token), expiresAt, caPinSha256: token.caPinSha256, agentAddress };
}
