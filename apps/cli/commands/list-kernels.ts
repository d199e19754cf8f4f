// SPDX-License-Identifier: GPL-2.0-only
import { listAll } from '@lockstep/io/rpc-client';
import type { Command } from 'commander';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { limitOption, type ListOptions } from '../list-options';
import { showTime, table } from '../table';

export const listKernels = (cli: Cli): Command =>
  viewCommand('ls', 'list kernel builds')
    .addOption(limitOption())
    .action(({ limit, ...options }: LeafOptions & ListOptions) =>
      cli.run(options, async ({ build, signal }) => {
        const kernelBuilds = await listAll(build.listKernels, {}, (answer) => answer.kernelBuilds, { signal, limit });
        const rows = kernelBuilds.map(({ id, release, compiler, addedAt, sharedBytes }) => [
          id,
          release,
          compiler,
          showTime(addedAt),
          sharedBytes === 0 ? 'not yet' : `${Math.ceil(sharedBytes / 1e6)} MB`,
        ]);
        return {
          document: toDocument({ kernelBuilds }),
          text: table(
            ['KERNEL BUILD', 'RELEASE', 'COMPILER', 'ADDED', 'SHARED'],
            rows,
            'No kernel builds: add one with "kernel add".',
          ),
          names: kernelBuilds.map(({ id }) => id),
        };
      }),
    );
