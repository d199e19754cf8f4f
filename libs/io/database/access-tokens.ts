// SPDX-License-Identifier: GPL-2.0-only
import type { Owner, Role, Scope } from '@lockstep/domain/access';
import { parseSelector, showSelector } from '@lockstep/domain/labels';
import { LockstepError, type ClusterName } from '@lockstep/domain/livepatch-model';
import { once, type KeptCall } from './call-answers';
import { serialisable, type Client, type Transaction } from './client';
import { isUniqueViolation } from './database-errors';
import type { AccessToken as TokenRow } from './generated/client';

export interface NewAccessToken {
  readonly id: string;
  /** Of those that are good no two have the same. */
  readonly name: string;
  readonly owner: Owner;
  readonly roles: readonly Role[];
  readonly scope: Scope;
  readonly secretSha256: string;
  /** Who made it, as `person:alice`. */
  readonly createdBy: string;
  /** Null: it does not expire. */
  readonly expiresAt: Date | null;
  /** It is what somebody signed in with, in a browser. */
  readonly session: boolean;
  /** It is a client certificate, and `secretSha256` is of all its bytes (DER), which anybody may know. */
  readonly certificate: boolean;
  /** Of a session: the id of the token that it was begun with, and ends with; null where it was another sign-in. */
  readonly begunWith: string | null;
}

export interface AccessTokenRecord extends NewAccessToken {
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface AccessTokenStore {
  /** Oldest first, those that are good for nothing too. */
  list(): Promise<AccessTokenRecord[]>;
  /** @throws LockstepError `already-exists` `token-name-taken`, `token-secret-taken`. */
  create(token: NewAccessToken, call: KeptCall<AccessTokenRecord> | undefined): Promise<AccessTokenRecord>;
  /** With the sessions that it began. @throws LockstepError `not-found` `unknown-token` unless one of this name is good. */
  revoke(name: string, at: Date, call: KeptCall<AccessTokenRecord> | undefined): Promise<AccessTokenRecord>;
  /** Puts this token in the place of the one of its name, unless its secret is known: also a revoked one stays what it is. */
  replace(token: NewAccessToken, at: Date): Promise<void>;
  /** Of sessions: what they did is in the audit. */
  forget(ids: readonly string[]): Promise<void>;
  /** When tokens were used last, by id. */
  noteUsed(uses: ReadonlyMap<string, Date>): Promise<void>;
}

const fromRow = ({
  owner,
  ownerKind,
  roles,
  clusters,
  everywhere,
  nodeSelector,
  ...row
}: TokenRow): AccessTokenRecord => ({
  ...row,
  owner: { kind: ownerKind as Owner['kind'], name: owner },
  roles: roles as Role[],
  scope: { clusters: everywhere ? 'all' : (clusters as ClusterName[]), nodes: parseSelector(nodeSelector) },
});

const toRow = ({ owner, roles, scope, ...token }: NewAccessToken) => ({
  ...token,
  owner: owner.name,
  ownerKind: owner.kind,
  roles: [...roles],
  everywhere: scope.clusters === 'all',
  clusters: scope.clusters === 'all' ? [] : [...scope.clusters],
  nodeSelector: showSelector(scope.nodes),
});

async function insistNew(tx: Transaction, { name, secretSha256 }: NewAccessToken): Promise<void> {
  if ((await tx.accessToken.count({ where: { secretSha256 } })) > 0) {
    const message = 'There is a token with this secret already: each has one of its own.';
    throw new LockstepError('already-exists', 'token-secret-taken', message);
  }
  if ((await tx.accessToken.count({ where: { name, revokedAt: null } })) === 0) return;
  const message = `There is a token "${name}" already: choose another name, or revoke that one first.`;
  throw new LockstepError('already-exists', 'token-name-taken', message, { name });
}

function unknownToken(name: string): LockstepError {
  const message = `No token "${name}" is good: \`lockstep token ls\` lists those that are.`;
  return new LockstepError('not-found', 'unknown-token', message, { name });
}

/** Revokes them, and the sessions that they began. */
async function revokeAll(tx: Transaction, tokens: readonly { readonly id: string }[], revokedAt: Date): Promise<void> {
  const ids = tokens.map(({ id }) => id);
  const where = { OR: [{ id: { in: ids } }, { begunWith: { in: ids } }], revokedAt: null };
  await tx.accessToken.updateMany({ where, data: { revokedAt } });
}

export function accessTokenStore(db: Client): AccessTokenStore {
  return {
    async list() {
      return (await db.accessToken.findMany({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })).map(fromRow);
    },
    async create(token, call) {
      const insert = async (tx: Transaction): Promise<AccessTokenRecord> => {
        await insistNew(tx, token);
        return fromRow(await tx.accessToken.create({ data: toRow(token) }));
      };
      try {
        return await serialisable(db, (tx) => once(tx, call, () => insert(tx)));
      } catch (error) {
        // Two at once: the later one meets the index.
        if (isUniqueViolation(error)) await insistNew(db, token);
        throw error;
      }
    },
    revoke: (name, revokedAt, call) =>
      serialisable(db, (tx) =>
        once(tx, call, async () => {
          const row = await tx.accessToken.findFirst({ where: { name, revokedAt: null } });
          if (row === null) throw unknownToken(name);
          await revokeAll(tx, [row], revokedAt);
          return fromRow({ ...row, revokedAt });
        }),
      ),
    replace: (token, at) =>
      serialisable(db, async (tx) => {
        const { name, secretSha256 } = token;
        if ((await tx.accessToken.count({ where: { secretSha256 } })) > 0) return;
        await revokeAll(tx, await tx.accessToken.findMany({ where: { name, revokedAt: null } }), at);
        await tx.accessToken.create({ data: toRow(token) });
      }),
    async forget(ids) {
      await db.accessToken.deleteMany({ where: { id: { in: [...ids] }, session: true } });
    },
    async noteUsed(uses) {
      if (uses.size === 0) return;
      const ids = [...uses.keys()];
      const times = [...uses.values()];
      await db.$executeRaw`
        UPDATE access_tokens SET last_used_at = used.at
        FROM unnest(${ids}::uuid[], ${times}::timestamptz[]) AS used (id, at) WHERE access_tokens.id = used.id`;
    },
  };
}
