// SPDX-License-Identifier: GPL-2.0-only
import { OwnerKind, Role, type AccessToken, type Scope } from '@lockstep/contracts/generated';
import { enumWord, toDocument } from '../document';
import { fields, showTime, table } from '../table';

export const roleWord = (role: Role): string => enumWord(Role, 'ROLE_', role);
const kindWord = (kind: OwnerKind): string => enumWord(OwnerKind, 'OWNER_KIND_', kind);

/** `person:alice`: who is meant wherever somebody has done something. */
const ownerWord = ({ ownerKind, owner }: AccessToken): string => `${kindWord(ownerKind)}:${owner}`;

const scopeWords = (scope: Scope | undefined): string =>
  [
    scope?.everywhere === true ? 'everywhere' : (scope?.clusters ?? []).join(', '),
    ...(scope !== undefined && scope.selector !== '' ? [`(${scope.selector})`] : []),
  ].join(' ');

/** A token as JSON, with the words that the commands take; null where there is none. */
export function tokenDocument(token: AccessToken | undefined): unknown {
  if (token === undefined) return null;
  const { ownerKind, roles, ...rest } = token;
  return { ...(toDocument(rest) as object), ownerKind: kindWord(ownerKind), roles: roles.map(roleWord) };
}

const expiryWords = ({ expiresAt, revokedAt }: AccessToken): string =>
  revokedAt !== undefined ? `revoked ${showTime(revokedAt)}` : expiresAt === undefined ? 'never' : showTime(expiresAt);

export const tokenTable = (tokens: readonly AccessToken[]): string =>
  table(
    ['NAME', 'OWNER', 'ROLES', 'WHERE', 'EXPIRES', 'LAST USED'],
    tokens.map((token) => [
      token.name,
      ownerWord(token),
      token.roles.map(roleWord).join(', '),
      scopeWords(token.scope),
      expiryWords(token),
      showTime(token.lastUsedAt),
    ]),
    'No tokens.',
  );

export const tokenFields = (token: AccessToken): string =>
  fields([
    ['Who', ownerWord(token)],
    ['Token', token.name],
    ['Roles', token.roles.map(roleWord).join(', ')],
    ['Where', scopeWords(token.scope)],
    ['Made', `${showTime(token.createdAt)} by ${token.createdBy}`],
    ['Expires', expiryWords(token)],
  ]);
