// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { buildDocument, explanationText } from '../views/build-view';

export const explainPatch = (cli: Cli): Command =>
  leafCommand('explain', 'why each function of a built patch counts as changed')
    .argument('<patch>', 'name or id')
    .option(...kernelBuildOption)
    .action((patch: string, options: LeafOptions & { readonly kernelBuild?: string }) =>
      cli.run(options, async (context) => {
        const kernelBuildId = await resolveKernelBuild(context, options.kernelBuild);
        const { builds } = await context.build.explainPatch({ patch, kernelBuildId }, { signal: context.signal });
        return {
          document: {
            builds: builds.map(({ build, functions }) => ({
              build: build === undefined ? null : buildDocument(build),
              functions: toDocument(functions),
            })),
          },
          text: builds.map(explanationText).join('\n\n'),
        };
      }),
    );
