// SPDX-License-Identifier: GPL-2.0-only
import { Argument, Command } from 'commander';
import type { Cli } from '../cli';
import { completionScript, shells, type Shell } from '../completion';

export const printCompletion = (cli: Cli, program: () => Command): Command =>
  new Command('completion')
    .description('print a completion script, for example: source <(lockstep completion bash)')
    .addArgument(new Argument('<shell>', 'the shell it is for').choices(shells))
    .action((shell: Shell) => {
      cli.screen.print(completionScript(shell, program()));
    });
