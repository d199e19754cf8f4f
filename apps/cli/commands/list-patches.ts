// SPDX-License-Identifier: GPL-2.0-only
import { listAll } from '@lockstep/io/rpc-client';
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { limitOption, type ListOptions } from '../list-options';
import { patchTable } from '../views/build-view';

export const listPatches = (cli: Cli): Command =>
  leafCommand('ls', 'list patches')
    .addOption(limitOption())
    .action(({ limit, ...options }: LeafOptions & ListOptions) =>
      cli.run(options, async ({ build, signal }) => {
        const patches = await listAll(build.listPatches, {}, (answer) => answer.patches, { signal, limit });
        return { document: toDocument({ patches }), text: patchTable(patches) };
      }),
    );
