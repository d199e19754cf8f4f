// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import type { Command } from 'commander';
import { LockstepError, parseModuleName, type ModuleName } from '@lockstep/domain/livepatch-model';
import type { ObservedPatch } from '@lockstep/domain/node-state';
import type { SysfsKernel } from '@lockstep/io/livepatch-sysfs';
import { collect, wholeNumber, type Cli } from '../cli';
import { judgeLoad, refuseBusy, refuseLoaded, refuseUnnamed } from '../host/judge-load';
import { readModuleFile } from '../host/module-file';
import {
  defaultTimeoutSeconds,
  hostCommand,
  hostOf,
  requireRoot,
  timeoutOption,
  withTransition,
  type TransitionOptions,
} from '../host/this-host';
import { mayInterruptOption } from '../switching-options';
import { verdictLines } from '../views/host-view';

interface Options extends TransitionOptions {
  readonly override?: readonly string[];
  readonly replace?: boolean;
}

function parseOverrides(names: readonly string[], stack: readonly ObservedPatch[]): ModuleName[] {
  return names.map((text) => {
    const name = parseModuleName(text.replaceAll('-', '_'));
    if (stack.some((patch) => patch.module === name)) return name;
    const loaded = stack.map((patch) => patch.module);
    const message = `--override ${text}: no such livepatch is loaded; there is ${loaded.join(', ') || 'none'}.`;
    throw new LockstepError('not-found', 'unknown-patch', message, { patch: text, loaded });
  });
}

/** Modules of livepatches that a replacing one has put out of effect have no use any more. */
async function removeReplaced(kernel: SysfsKernel, before: readonly ObservedPatch[]): Promise<ModuleName[]> {
  const still = new Set((await kernel.observe()).map((patch) => patch.module));
  const gone = before.map((patch) => patch.module).filter((module) => !still.has(module));
  for (const module of gone) await kernel.unload(module);
  return gone;
}

async function load(cli: Cli, context: Parameters<typeof withTransition>[1], file: string, options: Options) {
  const { override = [], replace: asReplace = false, timeoutSeconds, mayInterrupt } = options;
  const host = hostOf(cli);
  requireRoot(host, 'load');
  const looking = host.openKernel({});
  const newcomer = await readModuleFile(file, await looking.identity());
  const { module, functions, replace: says } = newcomer;
  const replace = says ?? asReplace;
  const stack = await looking.observe();
  const overrides = parseOverrides(override, stack);
  refuseLoaded(module, stack);
  refuseBusy(stack);
  const verdict = judgeLoad({ functions, replace }, stack);
  refuseUnnamed(module, verdict, overrides);
  // A grant names whom it shadows, not whoever else was named.
  const dropped = verdict.replaced.filter((replaced) => replaced.dropped.length > 0).map((replaced) => replaced.module);
  const mayShadow = [...verdict.victims, ...dropped];
  const request = { path: path.resolve(file), module, functions, replace, mayShadow, replaces: [], mayInterrupt };
  const replaced = await withTransition(host, context, { title: `load ${module}`, timeoutSeconds }, async (kernel) => {
    await kernel.load(request);
    return removeReplaced(kernel, stack);
  });
  const text = [`${module} is loaded.`, ...verdictLines(verdict)];
  return { document: { module, functions, ...verdict, overrides, removed: replaced }, text: text.join('\n') };
}

export const hostLoad = (cli: Cli): Command =>
  hostCommand('load', 'load a livepatch module into the running kernel; an interrupt takes it back')
    .argument('<file.ko>', 'the module')
    .option('--override <patch>', 'a loaded livepatch that it may shadow; repeat for each', collect)
    .option('--replace', 'it replaces all others, where the file does not say')
    .option(...timeoutOption, wholeNumber, defaultTimeoutSeconds)
    .option(...mayInterruptOption)
    .addHelpText('after', "\nOn a node of a cluster this makes the node diverge: there, use Lockstep's load order.")
    .action((file: string, options: Options) => cli.runHere(options, (context) => load(cli, context, file, options)));
