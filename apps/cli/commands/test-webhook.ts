// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';

export const testWebhook = (cli: Cli): Command =>
  leafCommand('test', 'send an endpoint an event that says that it is a test; exit 1 if it does not take it')
    .argument('<webhook>', 'name')
    .action((name: string, options: LeafOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const answer = await fleet.testWebhook({ name }, { signal });
        return { document: toDocument(answer), text: `${name} ${answer.outcome}.`, hasFailed: !answer.taken };
      }),
    );
