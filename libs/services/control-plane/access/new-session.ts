// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import { subjectOf } from '@lockstep/domain/access';
import type { AccessTokenRecord, NewAccessToken } from '@lockstep/io/database';

/** A working day: whoever comes the next morning signs in again. */
export const sessionMs = 12 * 3600_000;

export interface SignedIn {
  readonly rights: Pick<AccessTokenRecord, 'owner' | 'roles' | 'scope'>;
  readonly secretSha256: string;
  /** The token that it was begun with; null where it was another sign-in. */
  readonly begunWith: string | null;
  /** It lives no longer; null: as long as sessions do. */
  readonly until: Date | null;
}

/** What a browser has from now on: a token of its own, so that it is ended and written down as one. */
export function newSession({ rights, secretSha256, begunWith, until }: SignedIn, now: Date): NewAccessToken {
  const { owner, roles, scope } = rights;
  const id = randomUUID();
  const expiresAt = new Date(Math.min(now.getTime() + sessionMs, until?.getTime() ?? Infinity));
  const createdBy = subjectOf({ kind: 'owner', owner, token: id, tokenName: '', roles, scope });
  const name = `session-${id.slice(0, 13)}`;
  return {
    id,
    name,
    owner,
    roles,
    scope,
    secretSha256,
    createdBy,
    expiresAt,
    session: true,
    certificate: false,
    begunWith,
  };
}
