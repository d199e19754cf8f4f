// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { Cli } from '../cli';
import { judgeLoad, refuseLoaded } from '../host/judge-load';
import { isFatal, obstaclesTo } from '../host/obstacles-to';
import { readModuleFile } from '../host/module-file';
import { hostCommand, hostOf, type HostOptions } from '../host/this-host';
import { checkText } from '../views/host-view';

interface Options extends HostOptions {
  readonly replace?: boolean;
}

export const hostCheck = (cli: Cli): Command =>
  hostCommand('check', 'what loading a livepatch module here would shadow and what is in its way; exit 1 if anything')
    .argument('<file.ko>', "a module made by Lockstep, by kpatch-build, or from the kernel's samples")
    .option('--replace', 'judge it as one that replaces all others, where the file does not say')
    .action((file: string, { replace: asReplace = false, ...options }: Options) =>
      cli.runHere(options, async () => {
        const kernel = hostOf(cli).openKernel({});
        const module = await readModuleFile(file, await kernel.identity());
        const stack = await kernel.observe();
        refuseLoaded(module.module, stack);
        const verdict = judgeLoad({ ...module, replace: module.replace ?? asReplace }, stack);
        const obstacles = obstaclesTo(module, await kernel.obstacles());
        const estimate = await kernel.estimate(module);
        return {
          document: { file, ...module, ...verdict, obstacles, estimate },
          text: checkText(module, { ...verdict, obstacles, estimate }, asReplace),
          hasFailed: verdict.conflicts.length > 0 || obstacles.some(isFatal),
        };
      }),
    );
