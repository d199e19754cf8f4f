// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { windowTable } from '../views/schedule-view';

export const listWindows = (cli: Cli): Command =>
  viewCommand('ls', 'list when loads may begin, and when each window opens next')
    .option('--cluster <cluster>', 'only of this one')
    .action(({ cluster = '', ...options }: LeafOptions & { readonly cluster?: string }) =>
      cli.run(options, async ({ fleet, signal }) => {
        const answer = await fleet.listWindows({ cluster }, { signal });
        const names = answer.windows.map(({ name }) => name);
        return { document: toDocument(answer), text: windowTable(answer.windows), names };
      }),
    );
