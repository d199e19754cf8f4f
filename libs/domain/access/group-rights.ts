// SPDX-License-Identifier: GPL-2.0-only
import type { Scope } from './identity';
import type { Role } from './roles';

export interface Rights {
  readonly roles: readonly Role[];
  readonly scope: Scope;
}

/** What an identity provider's group may. */
export interface GroupRule extends Rights {
  readonly group: string;
}

/**
 * What somebody of these groups may: what the first rule says whose group they are in. Rules are not added up: roles of one with the
 * clusters of another would be more than either gives. Undefined: nothing.
 */
export function rightsOfGroups(rules: readonly GroupRule[], groups: readonly string[]): Rights | undefined {
  const rule = rules.find(({ group }) => groups.includes(group));
  return rule && { roles: rule.roles, scope: rule.scope };
}
