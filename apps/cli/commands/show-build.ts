// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { buildDocument, buildText, logLine } from '../views/build-view';

export const showBuild = (cli: Cli): Command =>
  viewCommand('show', 'show a build: its module, or why there is none')
    .argument('<build>', 'id')
    .option('--log', 'with all that its workers said')
    .action((id: string, options: LeafOptions & { readonly log?: boolean }) =>
      cli.run(options, async ({ build: builds, signal }) => {
        const { build, logLines } = await builds.getBuild({ id }, { signal });
        if (build === undefined)
          throw new LockstepError('not-found', 'unknown-build', `There is no build ${id}.`, { id });
        const log = options.log === true ? logLines.map(logLine) : [];
        return {
          document: { ...buildDocument(build), log: toDocument(logLines) },
          text: [buildText(build), ...(log.length > 0 ? ['', ...log] : [])].join('\n'),
          names: [build.id],
        };
      }),
    );
