// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { buildDocument, buildText } from '../views/build-view';

export const cancelBuild = (cli: Cli): Command =>
  leafCommand('cancel', 'end a build that is not wanted any more')
    .argument('<build>', 'id')
    .action((id: string, options: LeafOptions) =>
      cli.run(options, async ({ build: builds, signal }) => {
        const { build } = await builds.cancelBuild({ id }, { signal });
        if (build === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no build.');
        return { document: buildDocument(build), text: buildText(build) };
      }),
    );
