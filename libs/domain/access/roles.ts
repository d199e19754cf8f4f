// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { Verb } from './verbs';

export const roles = ['viewer', 'auditor', 'operator', 'approver', 'responder', 'admin'] as const;

export type Role = (typeof roles)[number];

const looking: readonly Verb[] = ['look', 'ask-self', 'sign-in'];
const operating: readonly Verb[] = ['build', 'register', 'order', 'roll-out', 'admit'];

/** All that a role may; what is not here it may not. Whoever orders does not approve: these are two people. */
export const verbsOf: Readonly<Record<Role, readonly Verb[]>> = {
  viewer: looking,
  auditor: [...looking, 'audit'],
  operator: [...looking, ...operating],
  approver: [...looking, 'approve'],
  responder: [...looking, 'break-glass'],
  admin: [...looking, ...operating, 'audit', 'approve', 'break-glass', 'set-up', 'grant'],
};

/** @throws LockstepError `invalid-input` `unknown-role`. */
export function parseRole(text: string): Role {
  const role = roles.find((each) => each === text);
  if (role !== undefined) return role;
  const message = `"${text}" is no role: use ${roles.join(', ')}.`;
  throw new LockstepError('invalid-input', 'unknown-role', message, { role: text, roles });
}
