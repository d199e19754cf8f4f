// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseClusterName } from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import { everywhere } from './identity';
import { rightsOfGroups, type GroupRule } from './group-rights';
import { roles } from './roles';

const clusters = ['web', 'db'].map(parseClusterName);
const anyGroup: fc.Arbitrary<string> = fc.constantFrom('sre', 'web', 'audit', 'SRE', '');
const anyRule: fc.Arbitrary<GroupRule> = fc.record({
  group: anyGroup,
  roles: fc.subarray([...roles], { minLength: 1 }),
  scope: fc.oneof(
    fc.constant(everywhere),
    fc.subarray(clusters, { minLength: 1 }).map((within) => ({ clusters: within, nodes: [] })),
  ),
});

test('nobody gets more than one rule gives whose group they are in, and without one nothing', () => {
  fc.assert(
    fc.property(fc.array(anyRule), fc.array(anyGroup), (rules, groups) => {
      const rights = rightsOfGroups(rules, groups);
      const own = rules.filter(({ group }) => groups.includes(group));
      expect(rights).toEqual(own[0] && { roles: own[0].roles, scope: own[0].scope });
    }),
  );
});

test('the order of the groups says nothing, that of the rules does', () => {
  const rules: GroupRule[] = [
    { group: 'sre', roles: ['admin'], scope: everywhere },
    { group: 'web', roles: ['operator'], scope: { clusters: clusters.slice(0, 1), nodes: [] } },
  ];
  expect(rightsOfGroups(rules, ['web', 'sre'])?.roles).toEqual(['admin']);
  expect(rightsOfGroups(rules, ['web'])).toEqual({ roles: ['operator'], scope: { clusters: ['web'], nodes: [] } });
  expect(rightsOfGroups(rules, ['Sre', 'we'])).toBeUndefined();
});
