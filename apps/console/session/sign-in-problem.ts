// SPDX-License-Identifier: GPL-2.0-only
import { ApiProblem } from '../api/problem';
import { ownValue } from '../display/own-value';

/** Why nobody was signed in by the identity provider, by the word that its return brings. */
const explanations: Readonly<Record<string, string>> = {
  'identity-provider-away': 'The identity provider does not answer. Try again, or sign in with an access token.',
  'sign-in-failed': 'The identity provider did not confirm this sign-in. Sign in again.',
  'sign-in-unknown': 'This browser has begun no sign-in, or too long ago. Sign in again.',
  'sign-in-unverified': 'The identity provider has not made sure that your address is yours.',
  'sign-in-without-name': 'The identity provider does not say who you are. An admin sets the claim that does.',
  'sign-in-without-rights': 'You are in no group that may do anything here. An admin says which groups may.',
};

/** What the address says of a sign-in that did not come about. A word that is not ours says nothing: anybody can make a link. */
export function signInProblemIn(search: string): ApiProblem | undefined {
  const reason = new URLSearchParams(search).get('sign-in-problem');
  const detail = reason === null ? undefined : ownValue(explanations, reason);
  if (reason === null || detail === undefined) return undefined;
  return new ApiProblem({ status: 401, kind: 'unauthenticated', reason, detail });
}
