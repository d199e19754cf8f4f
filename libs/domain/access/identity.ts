// SPDX-License-Identifier: GPL-2.0-only
import type { ClusterName, NodeName } from '@lockstep/domain/livepatch-model';
import type { Role } from './roles';

/** The clusters that rights are about; `everywhere` is also those that are yet to come, and what is of no cluster. */
export type Scope = 'everywhere' | readonly ClusterName[];

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

/** What a right is about. */
export type Resource =
  | { readonly kind: 'cluster'; readonly cluster: ClusterName }
  /** What all clusters share: kernels, patches, builds; and lists, of which each caller sees what is in its scope. */
  | { readonly kind: 'shared' }
  /** The whole installation, or what is of no cluster that we know. */
  | { readonly kind: 'installation' };

export const shared: Resource = { kind: 'shared' };
export const installation: Resource = { kind: 'installation' };
export const inCluster = (cluster: ClusterName): Resource => ({ kind: 'cluster', cluster });

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
