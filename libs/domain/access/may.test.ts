// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { parseClusterName, parseNodeName } from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import { inCluster, installation, shared, subjectOf, type Identity, type Resource } from './identity';
import { insistMay, may, mayAnywhere } from './may';
import { parseRole, roles, verbsOf, type Role } from './roles';
import { verbs, type Verb } from './verbs';

const clusters = ['web', 'db', 'edge'].map(parseClusterName);

const anyResource: fc.Arbitrary<Resource> = fc.oneof(
  fc.constantFrom(...clusters).map(inCluster),
  fc.constantFrom(shared, installation),
);
const anyVerb: fc.Arbitrary<Verb> = fc.constantFrom(...verbs);
const anyScope = fc.oneof(fc.constant('everywhere' as const), fc.subarray(clusters));
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
  scope: 'everywhere',
  ...some,
});

describe('who may do what', () => {
  test('nothing is allowed that no role of the caller has, nor outside its scope', () => {
    fc.assert(
      fc.property(anyOwner, anyVerb, anyResource, (identity, verb, resource) => {
        if (!may(identity, verb, resource)) return;
        expect(identity.roles.some((role) => verbsOf[role].includes(verb))).toBe(true);
        if (identity.scope === 'everywhere') return;
        expect(resource.kind).not.toBe('installation');
        if (resource.kind === 'cluster') expect(identity.scope).toContain(resource.cluster);
      }),
    );
  });

  test('more roles, and a wider scope, take nothing away', () => {
    fc.assert(
      fc.property(anyOwner, fc.constantFrom(...roles), anyVerb, anyResource, (identity, role, verb, resource) => {
        if (!may(identity, verb, resource)) return;
        expect(may({ ...identity, roles: [...identity.roles, role] }, verb, resource)).toBe(true);
        expect(may({ ...identity, scope: 'everywhere' }, verb, resource)).toBe(true);
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
        if (resource.kind !== 'shared') expect(may(owner({ roles: ['admin'], scope: [] }), verb, resource)).toBe(false);
      }
    }
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
