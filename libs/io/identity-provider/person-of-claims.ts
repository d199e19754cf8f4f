// SPDX-License-Identifier: GPL-2.0-only
import { parseOwnerName, rightsOfGroups, type Owner, type Rights } from '@lockstep/domain/access';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { IdentityProviderConfig } from './provider-config';

export type Claims = Readonly<Record<string, unknown>>;

export interface Person extends Rights {
  readonly owner: Owner;
  /** Those that the provider named. */
  readonly groups: readonly string[];
}

function refused(reason: string, message: string, fields: LockstepError['fields'] = {}): LockstepError {
  return new LockstepError('forbidden', reason, message, fields);
}

function nameIn(claims: Claims, nameClaim: string): string {
  const name = claims[nameClaim];
  if (typeof name !== 'string') {
    const message = `The identity provider says no "${nameClaim}" of whoever signs in: it must be among the claims of the scopes that are asked for.`;
    throw refused('sign-in-without-name', message, { claim: nameClaim });
  }
  if (nameClaim === 'email' && claims['email_verified'] === false) {
    const message = 'The identity provider has not made sure whose this address is.';
    throw refused('sign-in-unverified', message);
  }
  return parseOwnerName(name.toLowerCase());
}

/**
 * Whom an identity provider's claims are about, and what they may here.
 * @throws LockstepError `forbidden` `sign-in-without-name`, `sign-in-unverified`, `sign-in-without-rights`; `invalid-input` `invalid-name`.
 */
export function personOf(
  claims: Claims,
  { nameClaim, groupsClaim, rules }: Pick<IdentityProviderConfig, 'nameClaim' | 'groupsClaim' | 'rules'>,
): Person {
  const name = nameIn(claims, nameClaim);
  const said = claims[groupsClaim];
  const groups = Array.isArray(said) ? said.filter((each) => typeof each === 'string') : [];
  const rights = rightsOfGroups(rules, groups);
  if (rights !== undefined) return { owner: { kind: 'person', name }, groups, ...rights };
  const message = `${name} is in no group that may do anything here. An admin says which groups may (LOCKSTEP_OIDC_FILE).`;
  throw refused('sign-in-without-rights', message, { name });
}
