// SPDX-License-Identifier: GPL-2.0-only
import { showSelector } from '@lockstep/domain/labels';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { hasCluster, hasNode, subjectOf, type Identity, type Resource, type Scope, type ScopedNode } from './identity';
import { verbsOf } from './roles';
import type { Verb } from './verbs';

function covers(scope: Scope, resource: Resource): boolean {
  const hasAllNodes = scope.nodes.length === 0;
  switch (resource.kind) {
    case 'cluster':
      return hasAllNodes && hasCluster(scope, resource.cluster);
    case 'cluster-shared':
      return hasCluster(scope, resource.cluster);
    case 'nodes':
      return resource.nodes.length > 0 && resource.nodes.every((node) => hasNode(scope, node));
    case 'shared':
      return true;
    case 'installation':
      return hasAllNodes && scope.clusters === 'all';
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

/** So many are named; of the others it is said how many they are. */
const mostNamed = 5;

function nodeWords(outside: readonly ScopedNode[], all: number): string {
  const names = outside.slice(0, mostNamed).map(({ name }) => name);
  const more = outside.length > names.length ? ` and ${outside.length - names.length} more` : '';
  const [only] = names;
  return all === 1 ? `node "${only ?? ''}"` : `these ${outside.length} of the ${all} nodes: ${names.join(', ')}${more}`;
}

/** Those that somebody with these rights may do nothing to; of a caller that has no scope, all. */
function outsideOf(identity: Identity, nodes: readonly ScopedNode[]): readonly ScopedNode[] {
  const outside = identity.kind === 'owner' ? nodes.filter((node) => !hasNode(identity.scope, node)) : nodes;
  return outside.length === 0 ? nodes : outside;
}

function resourceWords(identity: Identity, resource: Resource): string {
  switch (resource.kind) {
    case 'cluster':
    case 'cluster-shared':
      return `cluster "${resource.cluster}"`;
    case 'nodes':
      return nodeWords(outsideOf(identity, resource.nodes), resource.nodes.length);
    case 'shared':
      return 'what all clusters share';
    case 'installation':
      return 'what is of no cluster of its scope';
  }
}

function fieldsOf(identity: Identity, resource: Resource | undefined): Record<string, unknown> {
  switch (resource?.kind) {
    case 'cluster':
    case 'cluster-shared':
      return { cluster: resource.cluster };
    case 'nodes': {
      const outside = outsideOf(identity, resource.nodes);
      return { nodes: outside.slice(0, mostNamed).map(({ name }) => name), count: outside.length };
    }
    case 'shared':
    case 'installation':
    case undefined:
      return {};
  }
}

/** What is said to a caller that may not. */
export function denial(identity: Identity, verb: string, resource?: Resource): LockstepError {
  const subject = subjectOf(identity);
  const what = resource === undefined ? 'anything' : resourceWords(identity, resource);
  const held = identity.kind === 'owner' ? ` Its token has the roles: ${identity.roles.join(', ') || 'none'}` : '';
  const narrow = identity.kind === 'owner' && identity.scope.nodes.length > 0;
  const where = narrow ? `, for nodes with ${showSelector(identity.scope.nodes)}` : '';
  const message = `${subject} may not ${verb} ${what}.${held}${where}${held && '.'} An admin gives rights (lockstep token create).`;
  return new LockstepError('forbidden', 'not-allowed', message, { subject, verb, ...fieldsOf(identity, resource) });
}

/** @throws LockstepError `forbidden` `not-allowed`. */
export function insistMay(identity: Identity, verb: Verb, resource: Resource): void {
  if (!may(identity, verb, resource)) throw denial(identity, verb, resource);
}
