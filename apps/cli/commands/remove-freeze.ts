// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';

export const removeFreeze = (cli: Cli): Command =>
  leafCommand('rm', 'end a freeze: loads may begin again when the windows say so')
    .argument('<freeze>', 'name')
    .option('--cluster <cluster>', 'whose (default: one of every cluster)')
    .action((name: string, { cluster = '', ...options }: LeafOptions & { readonly cluster?: string }) =>
      cli.run(options, async ({ fleet, signal }) => {
        const answer = await fleet.removeFreeze({ name, cluster }, { signal });
        return { document: toDocument(answer), text: `Removed freeze ${name}.`, names: [name] };
      }),
    );
