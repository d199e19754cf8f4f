// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { Cli } from '../cli';
import { judgeLoad, refuseLoaded } from '../host/judge-load';
import { readModuleFile } from '../host/module-file';
import { hostCommand, hostOf, type HostOptions } from '../host/this-host';
import { checkText } from '../views/host-view';

interface Options extends HostOptions {
  readonly replace?: boolean;
}

export const hostCheck = (cli: Cli): Command =>
  hostCommand('check', 'what loading a livepatch module here would shadow, changing nothing; exit 1 if anything')
    .argument('<file.ko>', "a module made by Lockstep, by kpatch-build, or from the kernel's samples")
    .option('--replace', 'judge it as one that replaces all others, where the file does not say')
    .action((file: string, { replace: asReplace = false, ...options }: Options) =>
      cli.runHere(options, async () => {
        const kernel = hostOf(cli).openKernel({});
        const { release } = await kernel.identity();
        const module = await readModuleFile(file, release);
        const stack = await kernel.observe();
        refuseLoaded(module.module, stack);
        const verdict = judgeLoad({ ...module, replace: module.replace ?? asReplace }, stack);
        return {
          document: { file, ...module, ...verdict },
          text: checkText(module, verdict, asReplace),
          hasFailed: verdict.conflicts.length > 0,
        };
      }),
    );
