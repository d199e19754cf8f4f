// SPDX-License-Identifier: GPL-2.0-only
import type { WhoAmIRequest, WhoAmIResponse } from '@lockstep/contracts/generated';
import { denial, mayAnywhere, verbs } from '@lockstep/domain/access';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { tokenToWire } from '../views/token-view';

/** Whom the caller is taken for, and what it may. */
export function whoAmI({ tokens }: Uses<'tokens'>, _: WhoAmIRequest, { caller }: CallContext): WhoAmIResponse {
  const { identity } = caller;
  return {
    token: identity.kind === 'owner' ? tokenToWire(tokens.require(identity.token)) : undefined,
    rights: verbs.map((verb) => ({ verb, reason: mayAnywhere(identity, verb) ? '' : denial(identity, verb).message })),
  };
}
