// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { tokenDocument, tokenTable } from '../views/token-view';

interface Options extends LeafOptions {
  readonly all?: boolean;
  readonly sessions?: boolean;
}

export const listTokens = (cli: Cli): Command =>
  leafCommand('ls', 'list access tokens: whose they are, what they may and when they were used last')
    .option('--all', 'also those that are revoked or have expired')
    .option('--sessions', 'also what people have signed in with, in a browser')
    .action(({ all = false, sessions = false, ...options }: Options) =>
      cli.run(options, async ({ access, signal }) => {
        const { tokens } = await access.listTokens({ all, sessions }, { signal });
        const names = tokens.map(({ name }) => name);
        return { document: { tokens: tokens.map(tokenDocument) }, text: tokenTable(tokens), names };
      }),
    );
