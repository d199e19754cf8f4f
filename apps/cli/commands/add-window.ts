// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { duration } from '../share-option';
import { windowTable } from '../views/schedule-view';

interface Options extends LeafOptions {
  readonly cluster: string;
  readonly selector?: string;
  readonly zone: string;
  readonly days: string;
  readonly start: string;
  readonly length: number;
  readonly cutoff?: number;
}

export const addWindow = (cli: Cli): Command =>
  leafCommand('add', 'let loads of a cluster begin at certain times alone: from now on, in all its windows')
    .argument('<name>', 'what to call it')
    .requiredOption('--cluster <cluster>', 'whose nodes')
    .option('-l, --selector <selector>', 'only nodes with these labels: for them it takes the place of the others')
    .requiredOption('--zone <zone>', 'IANA time zone, as Europe/Berlin')
    .requiredOption('--days <days>', 'on which it begins, as sat,sun')
    .requiredOption('--start <time>', 'by the clocks of its zone, as 02:30')
    .requiredOption('--length <time>', 'exact, as 4h; at most 7d', duration)
    .option('--cutoff <time>', 'so long before its end nothing begins any more (default: 0)', duration)
    .action((name: string, { cluster, selector = '', zone, days, start, length, cutoff = 0, ...options }: Options) =>
      cli.run(options, async ({ fleet, signal }) => {
        const times = { zone, start, days: days.split(','), lengthSeconds: length, cutoffSeconds: cutoff };
        const answer = await fleet.addWindow({ cluster, name, selector, ...times }, { signal });
        const shown = answer.window === undefined ? [] : [answer.window];
        return { document: toDocument(answer), text: windowTable(shown), names: [name] };
      }),
    );
