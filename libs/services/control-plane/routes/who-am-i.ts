// SPDX-License-Identifier: GPL-2.0-only
import type { WhoAmIRequest, WhoAmIResponse } from '@lockstep/contracts/generated';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { tokenToWire } from '../views/token-view';

/** Whom the caller is taken for. */
export function whoAmI({ tokens }: Uses<'tokens'>, _: WhoAmIRequest, { caller }: CallContext): WhoAmIResponse {
  const { identity } = caller;
  return { token: identity.kind === 'owner' ? tokenToWire(tokens.require(identity.token)) : undefined };
}
