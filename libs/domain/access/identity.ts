// SPDX-License-Identifier: GPL-2.0-only
import { effectiveLabels, matchesSelector, type NodeLabels, type Selector } from '@lockstep/domain/labels';
import type { ClusterName, NodeName } from '@lockstep/domain/livepatch-model';
import type { Role } from './roles';

/** Where rights hold. */
export interface Scope {
  /** `all`: also those that are yet to come. */
  readonly clusters: 'all' | readonly ClusterName[];
  /** The nodes there by their labels as they are now. Empty: all, and what is of the clusters themselves. */
  readonly nodes: Selector;
}

/** Also for what is of no cluster. */
export const everywhere: Scope = { clusters: 'all', nodes: [] };

/** Who has an access token: a person by name, or a program by the name of its service account. */
export interface Owner {
  readonly kind: 'person' | 'service';
  readonly name: string;
}

/** Who calls, decided before anything of the call's body is read. */
export type Identity =
  /** Nobody that we know: what it may it proves in the call itself. */
  | { readonly kind: 'stranger' }
  /** A machine, by its certificate. */
  | {
      readonly kind: 'node';
      readonly node: NodeName;
      readonly cluster: ClusterName;
      readonly certificate: 'good' | 'expired';
    }
  /** Whoever has this access token. */
  | {
      readonly kind: 'owner';
      readonly owner: Owner;
      /** Its id, and its name. */
      readonly token: string;
      readonly tokenName: string;
      readonly roles: readonly Role[];
      readonly scope: Scope;
    };

/** As much of a node as rights go by. */
export interface ScopedNode {
  readonly name: NodeName;
  readonly cluster: ClusterName;
  readonly labels: NodeLabels;
}

/** What a right is about. */
export type Resource =
  /** A whole cluster: each of its nodes, and what is decided for all of them. */
  | { readonly kind: 'cluster'; readonly cluster: ClusterName }
  /** What each node of a cluster goes by, and says nothing of the others: its name, its load order, its windows. */
  | { readonly kind: 'cluster-shared'; readonly cluster: ClusterName }
  /** Each of these, of which there is at least one. */
  | { readonly kind: 'nodes'; readonly nodes: readonly ScopedNode[] }
  /** What all clusters share: kernels, patches, builds; and lists, of which each caller sees what is in its scope. */
  | { readonly kind: 'shared' }
  /** The whole installation, or what is of no cluster that we know. */
  | { readonly kind: 'installation' };

export const shared: Resource = { kind: 'shared' };
export const installation: Resource = { kind: 'installation' };
export const inCluster = (cluster: ClusterName): Resource => ({ kind: 'cluster', cluster });
export const sharedIn = (cluster: ClusterName): Resource => ({ kind: 'cluster-shared', cluster });
export const theNode = (node: ScopedNode): Resource => ({ kind: 'nodes', nodes: [node] });

/** All of these nodes of a cluster. Where there are none yet it is about whichever may come: the cluster. */
export const nodesIn = (cluster: ClusterName, nodes: readonly ScopedNode[]): Resource =>
  nodes.length === 0 ? inCluster(cluster) : { kind: 'nodes', nodes };

export const hasCluster = ({ clusters }: Scope, cluster: ClusterName): boolean =>
  clusters === 'all' || clusters.includes(cluster);

export const hasNode = (scope: Scope, { cluster, labels }: ScopedNode): boolean =>
  hasCluster(scope, cluster) && (scope.nodes.length === 0 || matchesSelector(scope.nodes, effectiveLabels(labels)));

/** `person:alice`, `service:ci`, `node:web-1`, `stranger`: the same word for the same one, whatever token it comes with. */
export function subjectOf(identity: Identity): string {
  switch (identity.kind) {
    case 'stranger':
      return 'stranger';
    case 'node':
      return `node:${identity.node}`;
    case 'owner':
      return `${identity.owner.kind}:${identity.owner.name}`;
  }
}
