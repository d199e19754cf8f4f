// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { duration } from '../share-option';
import { freezeTable } from '../views/schedule-view';

interface Options extends LeafOptions {
  readonly cluster?: string;
  readonly selector?: string;
  readonly from?: Date;
  readonly until?: Date;
  readonly for?: number;
  readonly reason: string;
}

/** With its zone: whoever reads it elsewhere reads the same. @throws LockstepError `usage`. */
function readMoment(text: string): Date {
  const moment = new Date(text);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(moment.getTime()))
    return moment;
  const message = `"${text}" is no time: write it with its offset, as 2026-12-24T18:00+01:00 or 2026-12-24T17:00Z.`;
  throw new LockstepError('invalid-input', 'usage', message, { text });
}

function untilOf(options: Options): Date {
  if ((options.until === undefined) === (options.for === undefined)) {
    throw new LockstepError('invalid-input', 'usage', 'Say until when: --until TIME, or --for 12h.');
  }
  return options.until ?? new Date((options.from?.getTime() ?? Date.now()) + (options.for ?? 0) * 1_000);
}

export const addFreeze = (cli: Cli): Command =>
  leafCommand('add', 'let no load begin for a while, whatever the windows say; what is under way finishes')
    .argument('<name>', 'what to call it')
    .option('--cluster <cluster>', 'whose nodes (default: of every cluster)')
    .option('-l, --selector <selector>', 'only nodes with these labels')
    .option('--from <time>', 'as 2026-12-24T18:00+01:00 (default: now)', readMoment)
    .option('--until <time>', 'as --from', readMoment)
    .option('--for <time>', 'instead of --until: so long, as 12h or 3d', duration)
    .requiredOption('--reason <text>', 'why; whoever waits for it is told')
    .action((name: string, options: Options) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { cluster = '', selector = '', from, reason } = options;
        const answer = await fleet.addFreeze(
          { name, cluster, selector, from, until: untilOf(options), reason },
          { signal },
        );
        const shown = answer.freeze === undefined ? [] : [answer.freeze];
        return { document: toDocument(answer), text: freezeTable(shown), names: [name] };
      }),
    );
