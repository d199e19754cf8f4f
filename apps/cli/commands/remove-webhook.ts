// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';

export const removeWebhook = (cli: Cli): Command =>
  leafCommand('rm', 'tell an endpoint of nothing any more; what is queued for it is not sent')
    .argument('<webhook>', 'name')
    .action((name: string, options: LeafOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const answer = await fleet.removeWebhook({ name }, { signal });
        return { document: toDocument(answer), text: `Removed ${name}.`, names: [name] };
      }),
    );
