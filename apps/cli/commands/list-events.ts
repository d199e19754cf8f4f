// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { collect, leafCommand, numberFromOne, wholeNumber, type Cli, type LeafOptions } from '../cli';
import { formOf } from '../output-form';
import { eventDocument, eventLine } from '../views/event-view';

interface Options extends LeafOptions {
  readonly cluster?: string;
  readonly type?: readonly string[];
  readonly limit?: number;
  readonly before?: number;
  readonly follow?: boolean;
}

export const listEvents = (cli: Cli): Command =>
  leafCommand('events', 'what happened: rollouts, nodes, patches, builds; the newest last')
    .option('--cluster <cluster>', 'only of this cluster')
    .option('--type <type>', 'only of this type, or as node.* of this kind; may be given again', collect)
    .option('--limit <n>', 'so many at most (default: 100)', numberFromOne)
    .option('--before <seq>', 'only those before this one, which --json names', wholeNumber)
    .option('-f, --follow', 'then each as it happens, until Ctrl-C; with --json a line of JSON each')
    .action(({ cluster = '', type = [], limit = 0, before, follow = false, ...options }: Options) =>
      cli.run(options, async ({ fleet, signal, screen }) => {
        const wanted = { types: [...type], cluster };
        const { events, head } = await fleet.listEvents({ ...wanted, limit, beforeSeq: before }, { signal });
        if (!follow) {
          const names = events.map(({ id }) => id);
          return { document: { events: events.map(eventDocument) }, text: events.map(eventLine).join('\n'), names };
        }
        const isJson = formOf(options) === 'json';
        const tell = (event: (typeof events)[number]): void => {
          if (isJson) screen.printJson(`${JSON.stringify(eventDocument(event))}\n`);
          else screen.say(eventLine(event));
        };
        events.forEach(tell);
        for await (const { event } of fleet.watchEvents({ ...wanted, afterSeq: head }, { signal })) {
          if (event !== undefined) tell(event);
        }
        return { document: null, text: '' };
      }),
    );
