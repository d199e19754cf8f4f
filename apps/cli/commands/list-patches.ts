// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { patchTable } from '../views/build-view';

export const listPatches = (cli: Cli): Command =>
  leafCommand('ls', 'list patches').action((options: LeafOptions) =>
    cli.run(options, async ({ build, signal }) => {
      const answer = await build.listPatches({}, { signal });
      return { document: toDocument(answer), text: patchTable(answer.patches) };
    }),
  );
