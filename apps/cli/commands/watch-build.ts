// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { followBuild, hasFailed } from '../follow-build';
import { buildDocument, buildText } from '../views/build-view';

export const watchBuild = (cli: Cli): Command =>
  leafCommand('watch', 'follow a build to its end')
    .argument('<build>', 'id')
    .action((id: string, options: LeafOptions) =>
      cli.run(options, async (context) => {
        const build = await followBuild(context, id);
        return { document: buildDocument(build), text: buildText(build), hasFailed: hasFailed(build) };
      }),
    );
