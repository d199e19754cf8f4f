// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { followBuild, hasFailed } from '../follow-build';
import { buildDocument, buildText } from '../views/build-view';

export const watchBuild = (cli: Cli): Command =>
  leafCommand('watch', 'follow a build to its end')
    .argument('<build>', 'id')
    .option('--log', 'show what its workers say, line by line')
    .action((id: string, options: LeafOptions & { readonly log?: boolean }) =>
      cli.run(options, async (context) => {
        const build = await followBuild(context, id, options.log === true ? 'log' : 'progress');
        return { document: buildDocument(build), text: buildText(build), hasFailed: hasFailed(build) };
      }),
    );
