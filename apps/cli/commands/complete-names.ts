// SPDX-License-Identifier: GPL-2.0-only
import { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { Cli } from '../cli';
import { readContexts } from '../contexts';
import { expectedName } from '../expected-name';
import { knownNames } from '../known-names';

/** A key press waits for it. */
const withinMs = 2_000;

/** What the completion scripts ask: the names that may follow a command line. Nothing, quietly, where they cannot be had. */
export const completeNames = (cli: Cli, program: () => Command): Command =>
  new Command('complete-names')
    .description('names that may follow a command line, for completion scripts')
    .argument('[words...]', 'the line up to the word that is being typed, without "lockstep"')
    .action((words: readonly string[]) => {
      const kind = expectedName(program(), words);
      if (kind === undefined) return undefined;
      if (kind === 'context') {
        const names = [...readContexts(cli.env).contexts.keys()];
        return cli.runHere({ output: 'name' }, () => Promise.resolve({ document: names, text: '', names }));
      }
      return cli.run({ output: 'name', timeout: withinMs }, async (context) => {
        const names = await knownNames(kind, context);
        if (names.length === 0) throw new LockstepError('not-found', 'no-names', `There is no ${kind}.`);
        return { document: names, text: '', names };
      });
    });
