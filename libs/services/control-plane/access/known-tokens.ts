// SPDX-License-Identifier: GPL-2.0-only
import type { Identity, Owner } from '@lockstep/domain/access';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { AccessTokenRecord, AccessTokenStore, KeptCall, NewAccessToken } from '@lockstep/io/database';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { Logger } from 'pino';

/** When tokens were used is written this often, and what there is read again; as late may the calls of one end that expires. */
const keepUsesEveryMs = 60_000;

export interface KnownTokensParts {
  readonly store: AccessTokenStore;
  readonly log: Logger;
  /** Ends the calls that are under way with this token. */
  readonly endCalls: (tokenId: string, reason: LockstepError) => void;
  /** One was made, or revoked: other control planes are to know. */
  readonly onChanged?: () => void;
}

/** What a caller with a token is. */
export type TokenIdentity = Extract<Identity, { kind: 'owner' }>;

/** What has ended is shown for so long among the sessions. */
const rememberEndedMs = 24 * 3600_000;

/** Of one owner at once. */
const mostSessions = 20;

const isExpired = ({ expiresAt }: AccessTokenRecord): boolean =>
  expiresAt !== null && expiresAt.getTime() <= Date.now();

function sessionOver({ name, revokedAt }: AccessTokenRecord): LockstepError {
  const [reason, word] =
    revokedAt === null ? (['session-expired', 'has expired'] as const) : (['session-ended', 'was ended'] as const);
  return new LockstepError('unauthenticated', reason, `This session ${word}: sign in again.`, { name });
}

/** One message for all that never were, so that guessing tells nothing; who had a token is told what became of it. */
function refused(token: AccessTokenRecord | undefined): LockstepError {
  if (token?.session === true) return sessionOver(token);
  if (token === undefined) {
    const message = 'This access token is not known here. An admin makes one: lockstep token create.';
    return new LockstepError('unauthenticated', 'token-wrong', message);
  }
  const { name } = token;
  const [reason, word] =
    token.revokedAt === null
      ? (['token-expired', 'has expired'] as const)
      : (['token-revoked', 'was revoked'] as const);
  const message = `The access token "${name}" ${word}. An admin makes a new one: lockstep token create.`;
  return new LockstepError('unauthenticated', reason, message, { name });
}

/**
 * All access tokens, by the digest of their secret: who calls is known without a question to the database, so that those
 * who guess cost it nothing. What another control plane of the database writes is read again when that one says so.
 */
export class KnownTokens {
  private readonly bySecret = new Map<string, AccessTokenRecord>();
  private readonly byId = new Map<string, AccessTokenRecord>();
  private uses = new Map<string, Date>();
  private timer: NodeJS.Timeout | undefined;
  private keeping: Promise<void> = Promise.resolve();

  constructor(private readonly parts: KnownTokensParts) {}

  async start(): Promise<void> {
    for (const token of await this.parts.store.list()) this.know(token);
    this.timer = setInterval(() => {
      this.keeping = this.keepUses()
        .then(() => this.forgetSessions())
        .then(() => this.readAgain());
      this.endExpired();
    }, keepUsesEveryMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.keeping;
    await this.keepUses();
  }

  /** Whose secret it is. @throws LockstepError `unauthenticated` `token-wrong`, `token-expired`, `token-revoked`. */
  identify(secret: string): TokenIdentity {
    return this.identityOf(Buffer.from(secret), false);
  }

  /** Whose certificate (DER) it is: TLS has shown that its key is there. @throws LockstepError as `identify`. */
  identifyCertificate(certificate: Uint8Array): TokenIdentity {
    return this.identityOf(certificate, true);
  }

  /** What is sent as a secret is none where it is a certificate, which everybody between may have seen. */
  private identityOf(shown: Uint8Array, isCertificate: boolean): TokenIdentity {
    const found = this.bySecret.get(sha256OfBytes(shown));
    const token = found?.certificate === isCertificate ? found : undefined;
    if (token === undefined || token.revokedAt !== null || isExpired(token)) throw refused(token);
    this.uses.set(token.id, new Date());
    const { owner, id, name, roles, scope } = token;
    return { kind: 'owner', owner, token: id, tokenName: name, roles, scope };
  }

  /** Of a caller: it was identified by this token. */
  require(id: string): AccessTokenRecord {
    const token = this.byId.get(id);
    if (token === undefined) throw refused(undefined);
    return { ...token, lastUsedAt: this.uses.get(id) ?? token.lastUsedAt };
  }

  /** Those that are good, or all there ever were; oldest first. Of sessions, those that are remembered. */
  list({ all, sessions }: { readonly all: boolean; readonly sessions: boolean }): AccessTokenRecord[] {
    const shown = [...this.byId.values()].filter(
      (token) => (sessions || !token.session) && (all || (token.revokedAt === null && !isExpired(token))),
    );
    return shown.map(({ id }) => this.require(id));
  }

  create(token: NewAccessToken, call: KeptCall<AccessTokenRecord> | undefined): Promise<AccessTokenRecord> {
    return this.knowing(this.parts.store.create(token, call));
  }

  /** The session that is known by this digest, if it goes on. */
  sessionOf(secretSha256: string): AccessTokenRecord | undefined {
    const token = this.bySecret.get(secretSha256);
    return token?.session === true && token.revokedAt === null && !isExpired(token) ? token : undefined;
  }

  /** Room for one more of this owner's: whoever signs in again and again keeps no more than so many. */
  async endOldestSession(owner: Owner): Promise<void> {
    const own = this.list({ all: false, sessions: true }).filter(
      (token) => token.session && token.owner.kind === owner.kind && token.owner.name === owner.name,
    );
    const [oldest] = own;
    if (oldest !== undefined && own.length >= mostSessions) await this.revoke(oldest.name, undefined);
  }

  /** It is good for nothing from now on, nor are the calls that were begun with it. */
  revoke(name: string, call: KeptCall<AccessTokenRecord> | undefined): Promise<AccessTokenRecord> {
    return this.knowing(this.parts.store.revoke(name, new Date(), call));
  }

  /** What is written counts, also where its answer was lost. */
  private async knowing(change: Promise<AccessTokenRecord>): Promise<AccessTokenRecord> {
    try {
      const token = await change;
      this.know(token);
      return token;
    } catch (error) {
      await this.readAgain();
      throw error;
    } finally {
      this.parts.onChanged?.();
    }
  }

  /** What was read before it was revoked is no better for that; nor is a session that was begun just then. */
  private revokedAtOf({ id, begunWith, revokedAt }: AccessTokenRecord): Date | null {
    const origin = begunWith === null ? undefined : this.byId.get(begunWith);
    return revokedAt ?? this.byId.get(id)?.revokedAt ?? origin?.revokedAt ?? null;
  }

  private know(read: AccessTokenRecord): void {
    const token = { ...read, revokedAt: this.revokedAtOf(read) };
    const wasGood = this.byId.get(token.id)?.revokedAt === null;
    this.bySecret.set(token.secretSha256, token);
    this.byId.set(token.id, token);
    if (token.revokedAt === null) return;
    this.parts.endCalls(token.id, refused(token));
    if (!wasGood) return;
    // With the sessions that it began, as it is written.
    for (const session of this.byId.values()) {
      if (session.begunWith !== token.id || session.revokedAt !== null) continue;
      this.know({ ...session, revokedAt: token.revokedAt });
    }
  }

  async readAgain(): Promise<void> {
    const { store, log } = this.parts;
    try {
      for (const token of await store.list()) this.know(token);
    } catch (err) {
      log.warn({ err }, 'cannot read the access tokens again now');
    }
  }

  private endExpired(): void {
    for (const token of this.byId.values()) if (isExpired(token)) this.parts.endCalls(token.id, refused(token));
  }

  private async forgetSessions(): Promise<void> {
    const { store, log } = this.parts;
    const before = Date.now() - rememberEndedMs;
    const over = [...this.byId.values()].filter(
      ({ session, expiresAt, revokedAt }) => session && ((revokedAt ?? expiresAt)?.getTime() ?? Infinity) < before,
    );
    if (over.length === 0) return;
    try {
      await store.forget(over.map(({ id }) => id));
      for (const { id, secretSha256 } of over) {
        this.byId.delete(id);
        this.bySecret.delete(secretSha256);
      }
    } catch (err) {
      log.warn({ err }, 'cannot forget sessions that are over');
    }
  }

  private async keepUses(): Promise<void> {
    const uses = this.uses;
    this.uses = new Map();
    try {
      await this.parts.store.noteUsed(uses);
      for (const [id, lastUsedAt] of uses) {
        const token = this.byId.get(id);
        if (token !== undefined) this.know({ ...token, lastUsedAt });
      }
    } catch (err) {
      this.parts.log.warn({ err }, 'cannot write when access tokens were used');
      // Later uses count.
      this.uses = new Map([...uses, ...this.uses]);
    }
  }
}
