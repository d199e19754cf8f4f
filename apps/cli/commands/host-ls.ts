// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { Cli } from '../cli';
import { hostCommand, hostOf, type HostOptions } from '../host/this-host';
import { hostTable, listPatches, type ListedPatch } from '../views/host-view';

export const hostLs = (cli: Cli): Command =>
  hostCommand('ls', "this machine's livepatches, bottom first: state, functions, and which others have taken").action(
    (options: HostOptions) =>
      cli.runHere(options, async () => {
        const kernel = hostOf(cli).openKernel({});
        const stack = await kernel.observe();
        const inEffect = listPatches(stack, await kernel.stackOrders());
        const leftOver = (await kernel.livepatchModules())
          .filter(({ name }) => !stack.some(({ module }) => module === name))
          .map(({ name }): ListedPatch => {
            return { module: name, state: 'not-in-effect', stackOrder: null, functions: [], shadowed: [] };
          });
        const patches = [...inEffect, ...leftOver];
        return { document: { patches }, text: hostTable(patches) };
      }),
  );
