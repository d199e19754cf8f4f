// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { sharedFunctions } from '@lockstep/domain/conflicts';
import type { KernelConflict, ObservedPatch } from '@lockstep/domain/node-state';
import type { Cli } from '../cli';
import { hostCommand, hostOf, type HostOptions } from '../host/this-host';
import { conflictTable } from '../views/host-view';

const computed = (stack: readonly ObservedPatch[]): KernelConflict[] =>
  sharedFunctions(stack.map(({ module, functions }) => ({ id: module, functions }))).map((shared) => ({
    function: shared.function,
    owners: shared.owners.map((module) => ({ module })),
  }));

export const hostConflicts = (cli: Cli): Command =>
  hostCommand('conflicts', 'functions that more than one loaded livepatch changes, and whose code runs')
    .addHelpText(
      'after',
      '\nThe kernel itself says it to root where it has the patched core; otherwise it follows from sysfs.',
    )
    .action((options: HostOptions) =>
      cli.runHere(options, async () => {
        const kernel = hostOf(cli).openKernel({});
        const listed = await kernel.listedConflicts();
        const conflicts = listed ?? computed(await kernel.observe());
        const source = listed === undefined ? 'sysfs' : 'kernel';
        return { document: { source, conflicts }, text: conflictTable(conflicts, 'No conflicts.') };
      }),
    );
