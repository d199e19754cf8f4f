// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { tokenDocument } from '../views/token-view';

export const revokeToken = (cli: Cli): Command =>
  leafCommand('revoke', 'make an access token good for nothing, at once: what is under way with it ends')
    .argument('<token>', 'name')
    .action((name: string, options: LeafOptions) =>
      cli.run(options, async ({ access, signal }) => {
        const { token } = await access.revokeToken({ name }, { signal });
        return { document: { token: tokenDocument(token) }, text: `Revoked ${name}.` };
      }),
    );
