// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { nodeDocument } from '../views/node-view';

export const revokeNode = (cli: Cli): Command =>
  leafCommand(
    'revoke',
    "make a node's certificate good for nothing, at once: its streams end, and it is renewed no more",
  )
    .argument('<node>', 'name')
    .addHelpText(
      'after',
      '\nIt stays in its cluster, and rollouts wait for it: let it join again, or remove it (node join, node remove).',
    )
    .action((name: string, options: LeafOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { node } = await fleet.revokeNode({ name }, { signal });
        const document = { node: node === undefined ? null : nodeDocument(node) };
        return { document, text: `Revoked ${name}. A new enrolment makes it a node again: lockstep node join.` };
      }),
    );
