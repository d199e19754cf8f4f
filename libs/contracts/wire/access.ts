// SPDX-License-Identifier: GPL-2.0-only
import {
  AuthorityStage as WireStage,
  OwnerKind as WireOwnerKind,
  Role as WireRole,
  type Scope as WireScope,
} from '@lockstep/contracts/generated';
import type { AuthorityStage, Owner, Role, Scope } from '@lockstep/domain/access';
import { parseSelector, showSelector } from '@lockstep/domain/labels';
import { LockstepError, parseClusterName } from '@lockstep/domain/livepatch-model';

const wireRoles: Readonly<Record<Role, WireRole>> = {
  viewer: WireRole.ROLE_VIEWER,
  auditor: WireRole.ROLE_AUDITOR,
  operator: WireRole.ROLE_OPERATOR,
  approver: WireRole.ROLE_APPROVER,
  responder: WireRole.ROLE_RESPONDER,
  admin: WireRole.ROLE_ADMIN,
};

export const roleToWire = (role: Role): WireRole => wireRoles[role];

/** @throws LockstepError `invalid-input` `unknown-role` for one that this version does not know. */
export function roleFromWire(wire: WireRole): Role {
  const known = Object.entries(wireRoles).find(([, each]) => each === wire);
  if (known !== undefined) return known[0] as Role;
  throw new LockstepError('invalid-input', 'unknown-role', 'One of the roles is not known here.', { role: wire });
}

const wireKinds: Readonly<Record<Owner['kind'], WireOwnerKind>> = {
  person: WireOwnerKind.OWNER_KIND_PERSON,
  service: WireOwnerKind.OWNER_KIND_SERVICE,
};

const wireStages: Readonly<Record<AuthorityStage, WireStage>> = {
  prepared: WireStage.AUTHORITY_STAGE_PREPARED,
  signs: WireStage.AUTHORITY_STAGE_SIGNS,
  retiring: WireStage.AUTHORITY_STAGE_RETIRING,
  retired: WireStage.AUTHORITY_STAGE_RETIRED,
};

export const authorityStageToWire = (stage: AuthorityStage): WireStage => wireStages[stage];

export const ownerKindToWire = (kind: Owner['kind']): WireOwnerKind => wireKinds[kind];

/** Whoever says nothing speaks of a person. */
export const ownerKindFromWire = (wire: WireOwnerKind): Owner['kind'] =>
  wire === WireOwnerKind.OWNER_KIND_SERVICE ? 'service' : 'person';

export const scopeToWire = ({ clusters, nodes }: Scope): WireScope => ({
  everywhere: clusters === 'all',
  clusters: clusters === 'all' ? [] : [...clusters],
  selector: showSelector(nodes),
});

/** @throws LockstepError `invalid-input` `no-scope`: rights hold somewhere, and that is said; and as `parseSelector`. */
export function scopeFromWire(wire: WireScope | undefined): Scope {
  const { everywhere, clusters, selector } = wire ?? { everywhere: false, clusters: [], selector: '' };
  if (everywhere !== clusters.length > 0) {
    return { clusters: everywhere ? 'all' : clusters.map(parseClusterName), nodes: parseSelector(selector) };
  }
  const message = 'Rights hold everywhere or in the clusters that are named: say one of the two.';
  throw new LockstepError('invalid-input', 'no-scope', message, { everywhere, clusters });
}
