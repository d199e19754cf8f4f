// SPDX-License-Identifier: GPL-2.0-only
import { subjectOf } from '@lockstep/domain/access';
import type { BegunSignIn, IdentityProvider } from '@lockstep/io/identity-provider';
import { detailsOf } from '../audit/call-audit';
import type { Uses } from '../services';
import { newSession } from './new-session';

/** How people sign in whom an identity provider knows. */
export class PeopleSignIn {
  constructor(
    private readonly services: Uses<'tokens' | 'audit'>,
    readonly provider: IdentityProvider,
  ) {}

  /**
   * Begins a session of whoever has come back from the provider, and writes it down before that. Answers when it ends.
   * @param from address of their browser
   * @throws LockstepError as the provider says.
   */
  async complete(query: string, begun: BegunSignIn, secretSha256: string, from: string): Promise<Date | null> {
    const { tokens, audit } = this.services;
    const { owner, roles, scope, groups } = await this.provider.complete(query, begun);
    const rights = { owner, roles, scope };
    const session = newSession({ rights, secretSha256, begunWith: null, until: null }, new Date());
    await audit.record({
      who: subjectOf({ kind: 'owner', ...rights, token: session.id, tokenName: session.name }),
      token: session.name,
      from,
      call: 'Access/BeginSession',
      on: 'installation',
      details: detailsOf({ issuer: this.provider.issuer, groups, roles, scope }),
      because: '',
      result: 'begun',
    });
    await tokens.endOldestSession(owner);
    return (await tokens.create(session, undefined)).expiresAt;
  }

  /** The one that their browser had before, if it goes on: whoever signs in anew means it to be over. */
  async endSession(secretSha256: string, from: string): Promise<void> {
    const { tokens, audit } = this.services;
    const session = tokens.sessionOf(secretSha256);
    if (session === undefined) return;
    const { id, name, owner, roles, scope } = session;
    await audit.record({
      who: subjectOf({ kind: 'owner', owner, roles, scope, token: id, tokenName: name }),
      ...{ token: name, from, call: 'Access/EndSession', on: 'installation' },
      ...{ details: detailsOf({}), because: '', result: 'begun' },
    });
    await tokens.revoke(name, undefined);
  }
}
