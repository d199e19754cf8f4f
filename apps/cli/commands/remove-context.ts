// SPDX-License-Identifier: GPL-2.0-only
import { Command } from 'commander';
import type { Cli } from '../cli';
import { readContexts, requireContext, writeContexts } from '../contexts';
import type { OutputOptions } from '../output-form';

export const removeContext = (cli: Cli): Command =>
  new Command('rm')
    .description('forget a control plane; its files stay')
    .argument('<context>', 'name')
    .option('--json', 'print one JSON document')
    .action((name: string, options: OutputOptions) =>
      cli.runHere(options, () => {
        const known = readContexts(cli.env);
        requireContext(known, name);
        const contexts = new Map([...known.contexts].filter(([each]) => each !== name));
        writeContexts(cli.env, { current: known.current === name ? undefined : known.current, contexts });
        return Promise.resolve({ document: { removed: name }, text: `Forgot ${name}.` });
      }),
    );
