// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { showTime, table } from '../table';

export const listKernels = (cli: Cli): Command =>
  leafCommand('ls', 'list kernel builds').action((options: LeafOptions) =>
    cli.run(options, async ({ build, signal }) => {
      const answer = await build.listKernels({}, { signal });
      const rows = answer.kernelBuilds.map(({ id, release, compiler, addedAt, sharedBytes }) => [
        id,
        release,
        compiler,
        showTime(addedAt),
        sharedBytes === 0 ? 'not yet' : `${Math.ceil(sharedBytes / 1e6)} MB`,
      ]);
      return {
        document: toDocument(answer),
        text: table(
          ['KERNEL BUILD', 'RELEASE', 'COMPILER', 'ADDED', 'SHARED'],
          rows,
          'No kernel builds: add one with "kernel add".',
        ),
      };
    }),
  );
