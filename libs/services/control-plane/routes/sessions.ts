// SPDX-License-Identifier: GPL-2.0-only
import type { BeginSessionRequest, BeginSessionResponse, EndSessionResponse } from '@lockstep/contracts/generated';
import { subjectOf, type Identity } from '@lockstep/domain/access';
import { LockstepError, parseSha256 } from '@lockstep/domain/livepatch-model';
import { newSession } from '../access/new-session';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { tokenToWire } from '../views/token-view';

type OwnerIdentity = Extract<Identity, { kind: 'owner' }>;

function ownerOf({ caller: { identity } }: CallContext): OwnerIdentity {
  if (identity.kind === 'owner') return identity;
  const message = `${subjectOf(identity)} has no access token to begin a session with.`;
  throw new LockstepError('refused', 'no-token', message);
}

/** A token of the caller's rights for some hours. @throws LockstepError `refused` `session-begins-none`. */
export async function beginSession(
  { tokens }: Uses<'tokens'>,
  request: BeginSessionRequest,
  context: CallContext,
): Promise<BeginSessionResponse> {
  const { owner, token: id } = ownerOf(context);
  const token = tokens.require(id);
  if (token.session) {
    const message = 'A session begins no other, so that it cannot outlive itself: use an access token.';
    throw new LockstepError('refused', 'session-begins-none', message);
  }
  await tokens.endOldestSession(owner);
  const secretSha256 = parseSha256(request.secretSha256);
  const session = newSession({ rights: token, secretSha256, begunWith: id, until: token.expiresAt }, new Date());
  return { session: tokenToWire(await tokens.create(session, undefined)) };
}

/** Its calls that are under way end too. @throws LockstepError `refused` `no-session`. */
export async function endSession(
  { tokens }: Uses<'tokens'>,
  _: unknown,
  context: CallContext,
): Promise<EndSessionResponse> {
  const { session, name } = tokens.require(ownerOf(context).token);
  if (!session) {
    const message = 'This is an access token and no session: lockstep token revoke ends it.';
    throw new LockstepError('refused', 'no-session', message);
  }
  await tokens.revoke(name, undefined);
  return {};
}
