// SPDX-License-Identifier: GPL-2.0-only
import { Command } from 'commander';
import type { Cli } from '../cli';
import { readContexts } from '../contexts';
import { outputOption, type OutputOptions } from '../output-form';
import { table } from '../table';

export const listContexts = (cli: Cli): Command =>
  new Command('ls')
    .description('list control planes that are kept, and which one is in use')
    .option('--json', 'the same as -o json')
    .addOption(outputOption())
    .action((options: OutputOptions) =>
      cli.runHere(options, () => {
        const { current, contexts } = readContexts(cli.env);
        const rows = [...contexts].map(([name, { server, tokenFile, certFile, stateDir }]) => [
          ...[name, name === current ? 'in use' : '', server ?? '', tokenFile ?? certFile ?? '', stateDir ?? ''],
        ]);
        const document = {
          current: current ?? null,
          contexts: [...contexts].map(([name, context]) => ({ name, ...context })),
        };
        const heads = ['CONTEXT', 'STATE', 'SERVER', 'TOKEN OR CERTIFICATE', 'STATE FOLDER'];
        const text = table(heads, rows, 'No contexts: lockstep context add makes one.');
        return Promise.resolve({ document, text, names: [...contexts.keys()] });
      }),
    );
