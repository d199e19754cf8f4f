// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError, type ModuleName } from '@lockstep/domain/livepatch-model';
import type { SysfsKernel } from '@lockstep/io/livepatch-sysfs';
import { wholeNumber, type Cli } from '../cli';
import { refuseBusy } from '../host/judge-load';
import { mayInterruptOption } from '../switching-options';
import {
  defaultTimeoutSeconds,
  hostCommand,
  hostOf,
  requireRoot,
  timeoutOption,
  withTransition,
  type TransitionOptions,
} from '../host/this-host';

/** A livepatch in effect, or the module of one that no longer is. */
async function findPatch(kernel: SysfsKernel, text: string): Promise<ModuleName> {
  const stack = await kernel.observe();
  const loaded = [...stack.map(({ module }) => module), ...(await kernel.livepatchModules()).map(({ name }) => name)];
  const wanted = text.replaceAll('-', '_');
  const found = loaded.find((name) => name === wanted);
  if (found === undefined) {
    const there = [...new Set(loaded)];
    const message = `There is no livepatch ${text}; loaded: ${there.join(', ') || 'none'}.`;
    throw new LockstepError('not-found', 'unknown-patch', message, { patch: text, loaded: there });
  }
  refuseBusy(stack, found);
  return found;
}

export const hostUnload = (cli: Cli): Command =>
  hostCommand('unload', 'disable a livepatch, wait until no task runs its code, remove its module')
    .argument('<patch>', 'its module, as in: lockstep host ls')
    .option(...timeoutOption, wholeNumber, defaultTimeoutSeconds)
    .option(...mayInterruptOption)
    .action((patch: string, options: TransitionOptions) =>
      cli.runHere(options, async (context) => {
        const host = hostOf(cli);
        requireRoot(host, 'unload');
        const { timeoutSeconds, mayInterrupt } = options;
        const module = await findPatch(host.openKernel({}), patch);
        await withTransition(host, context, { title: `unload ${module}`, timeoutSeconds }, (kernel) =>
          kernel.unload(module, timeoutSeconds * 1000, mayInterrupt),
        );
        return { document: { module, unloaded: true }, text: `${module} is unloaded.` };
      }),
    );
