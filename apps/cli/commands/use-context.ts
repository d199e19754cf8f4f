// SPDX-License-Identifier: GPL-2.0-only
import { Command } from 'commander';
import type { Cli } from '../cli';
import { readContexts, requireContext, writeContexts } from '../contexts';
import type { OutputOptions } from '../output-form';

export const useContext = (cli: Cli): Command =>
  new Command('use')
    .description('speak to this control plane from now on, where neither flags nor the environment say another')
    .argument('<context>', 'name')
    .option('--json', 'print one JSON document')
    .action((name: string, options: OutputOptions) =>
      cli.runHere(options, () => {
        const contexts = readContexts(cli.env);
        requireContext(contexts, name);
        writeContexts(cli.env, { ...contexts, current: name });
        return Promise.resolve({ document: { current: name }, text: `In use: ${name}.` });
      }),
    );
