// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { subjectOf, type Identity, type Resource, type Scope } from './identity';
import { verbsOf } from './roles';
import type { Verb } from './verbs';

function covers(scope: Scope, resource: Resource): boolean {
  if (scope === 'everywhere') return true;
  switch (resource.kind) {
    case 'cluster':
      return scope.includes(resource.cluster);
    case 'shared':
      return true;
    case 'installation':
      return false;
  }
}

/** Whether there is anything at all to which the caller may do this: known before the call says what it is about. */
export function mayAnywhere(identity: Identity, verb: Verb): boolean {
  switch (identity.kind) {
    case 'stranger':
      return verb === 'join' || verb === 'probe';
    case 'node':
      return verb === 'renew' || (verb === 'follow' && identity.certificate === 'good');
    case 'owner':
      return identity.roles.some((role) => verbsOf[role].includes(verb));
  }
}

/** Whether the caller may do this to that. What nothing allows is denied. */
export function may(identity: Identity, verb: Verb, resource: Resource): boolean {
  if (!mayAnywhere(identity, verb)) return false;
  switch (identity.kind) {
    case 'stranger':
      return resource.kind === 'installation';
    case 'node':
      return resource.kind === 'cluster' && resource.cluster === identity.cluster;
    case 'owner':
      return covers(identity.scope, resource);
  }
}

const words: Readonly<Record<Resource['kind'], (resource: Resource) => string>> = {
  cluster: (resource) => (resource.kind === 'cluster' ? ` cluster "${resource.cluster}"` : ''),
  shared: () => ' what all clusters share',
  installation: () => ' what is of no cluster of its scope',
};

/** What is said to a caller that may not. */
export function denial(identity: Identity, verb: string, resource?: Resource): LockstepError {
  const subject = subjectOf(identity);
  const what = resource === undefined ? 'anything' : words[resource.kind](resource).trim();
  const held = identity.kind === 'owner' ? ` Its token has the roles: ${identity.roles.join(', ') || 'none'}.` : '';
  const message = `${subject} may not ${verb} ${what}.${held} An admin gives rights (lockstep token create).`;
  const about = resource?.kind === 'cluster' ? { cluster: resource.cluster } : {};
  return new LockstepError('forbidden', 'not-allowed', message, { subject, verb, ...about });
}

/** @throws LockstepError `forbidden` `not-allowed`. */
export function insistMay(identity: Identity, verb: Verb, resource: Resource): void {
  if (!may(identity, verb, resource)) throw denial(identity, verb, resource);
}
