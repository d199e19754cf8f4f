// SPDX-License-Identifier: GPL-2.0-only
import type { AccessToken } from '@lockstep/contracts/generated';
import { ownerKindToWire, roleToWire, scopeToWire } from '@lockstep/contracts/wire';
import type { AccessTokenRecord } from '@lockstep/io/database';

/** A token without what it is known by. */
export const tokenToWire = (token: AccessTokenRecord): AccessToken => ({
  name: token.name,
  owner: token.owner.name,
  ownerKind: ownerKindToWire(token.owner.kind),
  roles: token.roles.map(roleToWire),
  scope: scopeToWire(token.scope),
  createdAt: token.createdAt,
  createdBy: token.createdBy,
  expiresAt: token.expiresAt ?? undefined,
  lastUsedAt: token.lastUsedAt ?? undefined,
  revokedAt: token.revokedAt ?? undefined,
  session: token.session,
  certificate: token.certificate,
});
