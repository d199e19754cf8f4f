// SPDX-License-Identifier: GPL-2.0-only

/** Who may do what, and what is written down of it. */
export const accessGuards = [
  {
    invariant: '16 who calls is known first',
    breaks: 'lets a role do what it has no verb for',
    file: 'libs/domain/access/may.ts',
    from: 'return identity.roles.some((role) => verbsOf[role].includes(verb));',
    to: 'return identity.roles.length > 0;',
    test: 'libs/domain/access/may.test.ts',
  },
  {
    invariant: '16 who calls is known first',
    breaks: 'lets a token do in every cluster what it may in some',
    file: 'libs/domain/access/identity.ts',
    from: "clusters === 'all' || clusters.includes(cluster);",
    to: "clusters === 'all' || clusters.length > 0;",
    test: 'libs/domain/access/may.test.ts',
  },
  {
    invariant: '16 who calls is known first',
    breaks: 'lets a token do to a whole cluster what it may to some of its nodes',
    file: 'libs/domain/access/may.ts',
    from: 'return hasAllNodes && hasCluster(scope, resource.cluster);',
    to: 'return hasCluster(scope, resource.cluster);',
    test: 'libs/domain/access/may.test.ts',
  },
  {
    invariant: '16 who calls is known first',
    breaks: 'lets a token move nodes of which it may move one',
    file: 'libs/domain/access/may.ts',
    from: 'resource.nodes.every((node) => hasNode(scope, node))',
    to: 'resource.nodes.some((node) => hasNode(scope, node))',
    test: 'libs/domain/access/may.test.ts',
  },
  {
    invariant: '16 who calls is known first',
    breaks: "lets another site's page change something by a browser's cookie",
    file: 'libs/services/control-plane/http/session-cookie.ts',
    from: 'if (secret === undefined) return;',
    to: 'if (secret === undefined || given === undefined) return;',
    test: 'libs/services/control-plane/http/session-cookie.test.ts',
  },
  {
    invariant: '16 who calls is known first',
    breaks: "adds up what a person's groups may",
    file: 'libs/domain/access/group-rights.ts',
    from: 'return rule && { roles: rule.roles, scope: rule.scope };',
    to: 'return rule && { roles: rules.flatMap((each) => each.roles), scope: rule.scope };',
    test: 'libs/domain/access/group-rights.test.ts',
  },
  {
    invariant: '17 what is done is written down',
    breaks: 'does not look whether a record is what was hashed',
    file: 'libs/domain/audit/check-audit.ts',
    from: 'if (this.checks.hash(encodeAuditRecord(record)) !== hash)',
    to: 'if (false as boolean)',
    test: 'libs/domain/audit/check-audit.test.ts',
  },
  {
    invariant: '17 what is done is written down',
    breaks: 'believes records that nothing signed vouches for',
    file: 'libs/domain/audit/check-audit.ts',
    from: 'if (this.signedSeq < lastSeq)',
    to: 'if (false as boolean)',
    test: 'libs/domain/audit/check-audit.test.ts',
  },
];
