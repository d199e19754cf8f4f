// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { matchesSelector, noLabels, parseLabels, parseSelector, type NodeLabels } from '@lockstep/domain/labels';
import { parseClusterName, parseNodeName, type ClusterName } from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import {
  everywhere,
  inCluster,
  installation,
  nodesIn,
  shared,
  sharedIn,
  subjectOf,
  theNode,
  type Identity,
  type Resource,
  type Scope,
  type ScopedNode,
} from './identity';
import { insistMay, may, mayAnywhere } from './may';
import { parseRole, roles, verbsOf, type Role } from './roles';
import { verbs, type Verb } from './verbs';

const clusters = ['web', 'db', 'edge'].map(parseClusterName);

const labelled = (assigned: string, reported = ''): NodeLabels => ({
  reported: parseLabels(reported),
  assigned: parseLabels(assigned),
});
const anyNode: fc.Arbitrary<ScopedNode> = fc.record({
  name: fc.constantFrom('n-1', 'n-2', 'n-3').map(parseNodeName),
  cluster: fc.constantFrom(...clusters),
  labels: fc
    .tuple(
      fc.constantFrom('', 'env=prod', 'env=staging,rack=a', 'rack=a'),
      fc.constantFrom('', 'env=staging', 'env=prod'),
    )
    .map(([assigned, reported]) => labelled(assigned, reported)),
});
const anyResource: fc.Arbitrary<Resource> = fc.oneof(
  fc.constantFrom(...clusters).map(inCluster),
  fc.constantFrom(...clusters).map(sharedIn),
  fc.array(anyNode, { maxLength: 4 }).map((nodes) => ({ kind: 'nodes' as const, nodes })),
  fc.constantFrom(shared, installation),
);
const anyVerb: fc.Arbitrary<Verb> = fc.constantFrom(...verbs);
const anyScope: fc.Arbitrary<Scope> = fc.record({
  clusters: fc.oneof(fc.constant('all' as const), fc.subarray(clusters)),
  nodes: fc.constantFrom('', 'env=staging', 'env!=prod', 'rack,env in (staging,test)').map(parseSelector),
});
const anyOwner = fc.record({
  kind: fc.constant('owner' as const),
  owner: fc.record({ kind: fc.constantFrom('person' as const, 'service' as const), name: fc.constant('alice') }),
  token: fc.constant('t'),
  tokenName: fc.constant('laptop'),
  roles: fc.subarray([...roles]),
  scope: anyScope,
});
const anyIdentity: fc.Arbitrary<Identity> = fc.oneof(
  anyOwner,
  fc.constant({ kind: 'stranger' as const }),
  fc
    .constantFrom(...clusters)
    .map((cluster) => ({ kind: 'node' as const, node: parseNodeName('web-1'), cluster, certificate: 'good' as const })),
);

const owner = (some: Partial<Extract<Identity, { kind: 'owner' }>>): Identity => ({
  kind: 'owner',
  owner: { kind: 'person', name: 'alice' },
  token: 't',
  tokenName: 'laptop',
  roles: [],
  scope: everywhere,
  ...some,
});

describe('who may do what', () => {
  test('nothing is allowed that no role of the caller has, nor outside its scope', () => {
    fc.assert(
      fc.property(anyOwner, anyVerb, anyResource, (identity, verb, resource) => {
        if (!may(identity, verb, resource)) return;
        expect(identity.roles.some((role) => verbsOf[role].includes(verb))).toBe(true);
        const { clusters: within, nodes: selector } = identity.scope;
        const isWithin = (cluster: string) => within === 'all' || within.some((each) => each === cluster);
        if (resource.kind === 'installation') expect([within, selector]).toEqual(['all', []]);
        if (resource.kind === 'cluster' || resource.kind === 'cluster-shared')
          expect(isWithin(resource.cluster)).toBe(true);
        if (resource.kind === 'cluster') expect(selector).toEqual([]);
        if (resource.kind !== 'nodes') return;
        expect(resource.nodes).not.toEqual([]);
        for (const { cluster, labels } of resource.nodes) {
          expect(isWithin(cluster)).toBe(true);
          // Of one key the operators' word counts.
          expect(matchesSelector(selector, new Map([...labels.reported, ...labels.assigned]))).toBe(true);
        }
      }),
    );
  });

  test('more roles, and a wider scope, take nothing away', () => {
    fc.assert(
      fc.property(anyOwner, fc.constantFrom(...roles), anyVerb, anyResource, (identity, role, verb, resource) => {
        if (!may(identity, verb, resource)) return;
        expect(may({ ...identity, roles: [...identity.roles, role] }, verb, resource)).toBe(true);
        expect(may({ ...identity, scope: { ...identity.scope, nodes: [] } }, verb, resource)).toBe(true);
        if (resource.kind === 'nodes' && resource.nodes.length === 0) return;
        expect(may({ ...identity, scope: everywhere }, verb, resource)).toBe(true);
      }),
    );
  });

  test('whoever may do it to something may do it somewhere, and who may nowhere may not', () => {
    fc.assert(
      fc.property(anyIdentity, anyVerb, anyResource, (identity, verb, resource) => {
        if (may(identity, verb, resource)) expect(mayAnywhere(identity, verb)).toBe(true);
      }),
    );
  });

  test('a token without a role, and one without a cluster, may nothing of its own', () => {
    for (const verb of verbs) {
      for (const resource of [shared, installation, ...clusters.map(inCluster)]) {
        expect(may(owner({}), verb, resource)).toBe(false);
        const scope = { clusters: [], nodes: [] };
        if (resource.kind !== 'shared') expect(may(owner({ roles: ['admin'], scope }), verb, resource)).toBe(false);
      }
    }
  });

  test('a token of one cluster may nothing in another', () => {
    const [web, db] = clusters as [ClusterName, ClusterName];
    const identity = owner({ roles: ['admin'], scope: { clusters: [web], nodes: [] } });
    const nodeOf = (cluster: ClusterName) => theNode({ name: parseNodeName('n-1'), cluster, labels: labelled('') });
    for (const about of [inCluster, sharedIn, nodeOf]) {
      expect(verbs.filter((verb) => may(identity, verb, about(web)))).not.toEqual([]);
      expect(verbs.filter((verb) => may(identity, verb, about(db)))).toEqual([]);
    }
  });

  test('who has a part of a cluster decides nothing for all of it, and does to several nodes what it may do to each', () => {
    fc.assert(
      fc.property(anyOwner, anyVerb, fc.array(anyNode, { minLength: 1, maxLength: 4 }), (identity, verb, nodes) => {
        const all = may(identity, verb, { kind: 'nodes', nodes });
        expect(all).toBe(nodes.every((node) => may(identity, verb, theNode(node))));
        // Nobody knows which nodes come.
        for (const cluster of clusters)
          expect(may(identity, verb, nodesIn(cluster, []))).toBe(may(identity, verb, inCluster(cluster)));
      }),
    );
  });

  test('who has not all nodes that something is about is told which, how many, and what its rights are for', () => {
    const scope = { clusters: 'all' as const, nodes: parseSelector('env=staging') };
    const operator = owner({ roles: ['operator'], scope });
    const nodes = Array.from({ length: 9 }, (_, at) => ({
      ...{ name: parseNodeName(`n-${at}`), cluster: parseClusterName('web') },
      labels: { reported: noLabels, assigned: parseLabels(at < 2 ? 'env=staging' : 'env=prod') },
    }));
    expect(() => {
      insistMay(operator, 'roll-out', nodesIn(parseClusterName('web'), nodes));
    }).toThrow(
      'person:alice may not roll-out these 7 of the 9 nodes: n-2, n-3, n-4, n-5, n-6 and 2 more. Its token has the roles: operator, for nodes with env=staging. An admin gives rights',
    );
    expect(() => {
      insistMay(operator, 'admit', theNode(nodes[3]!));
    }).toThrow('person:alice may not admit node "n-3".');
  });

  test('a node follows its own cluster, a stranger joins, and neither does anything else', () => {
    const node = {
      ...{ kind: 'node' as const, node: parseNodeName('web-1'), cluster: parseClusterName('web') },
      certificate: 'good' as const,
    };
    const allowed = (identity: Identity) =>
      verbs.flatMap((verb) =>
        [shared, installation, ...clusters.map(inCluster)]
          .filter((resource) => may(identity, verb, resource))
          .map((resource) => `${verb} ${resource.kind === 'cluster' ? resource.cluster : resource.kind}`),
      );
    expect(allowed(node)).toEqual(['follow web', 'renew web']);
    expect(allowed({ ...node, certificate: 'expired' })).toEqual(['renew web']);
    expect(allowed({ kind: 'stranger' })).toEqual(['probe installation', 'join installation']);
  });

  test('nobody but an admin gives rights, whoever orders does not approve, and only some read who did what', () => {
    const having = (verb: Verb): Role[] => roles.filter((role) => verbsOf[role].includes(verb));
    expect(having('grant')).toEqual(['admin']);
    expect(having('set-up')).toEqual(['admin']);
    expect(having('audit')).toEqual(['auditor', 'admin']);
    expect(having('approve')).toEqual(['approver', 'admin']);
    expect(having('order')).toEqual(['operator', 'admin']);
    expect(having('break-glass')).toEqual(['responder', 'admin']);
    expect([having('look'), having('sign-in')]).toEqual([[...roles], [...roles]]);
    expect([...having('join'), ...having('follow'), ...having('renew')]).toEqual([]);
  });

  test('who is refused is told who it is, what it may not and who can help', () => {
    const viewer = owner({ roles: ['viewer'] });
    expect(() => {
      insistMay(viewer, 'order', inCluster(parseClusterName('web')));
    }).toThrow('person:alice may not order cluster "web". Its token has the roles: viewer. An admin gives rights');
    expect(subjectOf(owner({ owner: { kind: 'service', name: 'ci' } }))).toBe('service:ci');
    expect(() => parseRole('root')).toThrow('use viewer, auditor');
  });
});
