// SPDX-License-Identifier: GPL-2.0-only
import type { RevokeTokenRequest, RevokeTokenResponse } from '@lockstep/contracts/generated';
import type { AccessTokenRecord } from '@lockstep/io/database';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { tokenToWire } from '../views/token-view';

/** At once, the calls that are under way with it included; also the caller's own. */
export async function revokeToken(
  { tokens }: Uses<'tokens'>,
  { name }: RevokeTokenRequest,
  { kept }: KeepingContext<RevokeTokenResponse>,
): Promise<RevokeTokenResponse> {
  const answer = (token: AccessTokenRecord): RevokeTokenResponse => ({ token: tokenToWire(token) });
  return answer(await tokens.revoke(name, kept(answer)));
}
