// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { freezeTable } from '../views/schedule-view';

export const listFreezes = (cli: Cli): Command =>
  viewCommand('ls', 'list when no load may begin')
    .option('--cluster <cluster>', 'only of this one, and of every cluster')
    .action(({ cluster = '', ...options }: LeafOptions & { readonly cluster?: string }) =>
      cli.run(options, async ({ fleet, signal }) => {
        const answer = await fleet.listFreezes({ cluster }, { signal });
        const names = answer.freezes.map(({ name }) => name);
        return { document: toDocument(answer), text: freezeTable(answer.freezes), names };
      }),
    );
