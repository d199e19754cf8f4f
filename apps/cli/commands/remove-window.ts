// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';

export const removeWindow = (cli: Cli): Command =>
  leafCommand('rm', 'take a window away; without any, loads may begin at any time')
    .argument('<window>', 'name')
    .requiredOption('--cluster <cluster>', 'whose')
    .action((name: string, { cluster, ...options }: LeafOptions & { readonly cluster: string }) =>
      cli.run(options, async ({ fleet, signal }) => {
        const answer = await fleet.removeWindow({ cluster, name }, { signal });
        return { document: toDocument(answer), text: `Removed window ${name} of ${cluster}.`, names: [name] };
      }),
    );
