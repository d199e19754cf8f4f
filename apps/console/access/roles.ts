// SPDX-License-Identifier: GPL-2.0-only
import type { Schemas } from '../api/schemas';

export type Role = NonNullable<Schemas['AccessToken']['roles']>[number];

/** What each may, in a few words. */
export const roleWords = {
  ROLE_VIEWER: 'reads what there is',
  ROLE_AUDITOR: 'reads also who did what',
  ROLE_OPERATOR: 'builds, orders, rolls out, lets nodes join',
  ROLE_APPROVER: 'agrees to what somebody else wants rolled out',
  ROLE_RESPONDER: 'begins emergency rollouts, and nothing else',
  ROLE_ADMIN: 'all of it, and clusters and rights',
} as const satisfies Partial<Record<Role, string>>;

export const roles = Object.keys(roleWords) as (keyof typeof roleWords)[];

export const roleWord = (role: string): string => role.replace('ROLE_', '').toLowerCase();
