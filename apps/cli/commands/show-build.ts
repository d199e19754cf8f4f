// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { buildDocument, buildText } from '../views/build-view';

export const showBuild = (cli: Cli): Command =>
  leafCommand('show', 'show a build: its module, or why there is none')
    .argument('<build>', 'id')
    .action((id: string, options: LeafOptions) =>
      cli.run(options, async ({ build: builds, signal }) => {
        const { build } = await builds.getBuild({ id }, { signal });
        if (build === undefined)
          throw new LockstepError('not-found', 'unknown-build', `There is no build ${id}.`, { id });
        return { document: buildDocument(build), text: buildText(build) };
      }),
    );
