// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { rolloutDocument, rolloutTable } from '../views/rollout-view';

export const listRollouts = (cli: Cli): Command =>
  leafCommand('ls', 'list rollouts, the newest first')
    .option('--cluster <cluster>', 'of this cluster only')
    .action(({ cluster = '', ...options }: LeafOptions & { readonly cluster?: string }) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { rollouts } = await fleet.listRollouts({ cluster }, { signal });
        return { document: { rollouts: rollouts.map(rolloutDocument) }, text: rolloutTable(rollouts) };
      }),
    );
