// SPDX-License-Identifier: GPL-2.0-only
import { listAll } from '@lockstep/io/rpc-client';
import type { Command } from 'commander';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { limitOption, type ListOptions } from '../list-options';
import { patchTable } from '../views/build-view';

export const listPatches = (cli: Cli): Command =>
  viewCommand('ls', 'list patches')
    .option('--cve <cve>', 'only those that name it')
    .addOption(limitOption())
    .action(({ cve, limit, ...options }: LeafOptions & ListOptions & { readonly cve?: string }) =>
      cli.run(options, async ({ build, signal }) => {
        const patches = await listAll(build.listPatches, { cve }, (answer) => answer.patches, { signal, limit });
        return {
          document: toDocument({ patches }),
          text: patchTable(patches),
          wide: () => patchTable(patches, { isWide: true }),
          names: patches.map(({ name }) => name),
        };
      }),
    );
