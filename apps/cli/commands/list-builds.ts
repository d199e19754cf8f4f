// SPDX-License-Identifier: GPL-2.0-only
import { BuildStatus } from '@lockstep/contracts/generated';
import { listAll } from '@lockstep/io/rpc-client';
import type { Command } from 'commander';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { limitOption, statusOption, type ListOptions } from '../list-options';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { buildDocument, buildTable } from '../views/build-view';

interface Options extends LeafOptions, ListOptions {
  readonly patch?: string;
  readonly kernelBuild?: string;
  readonly status?: BuildStatus;
}

export const listBuilds = (cli: Cli): Command =>
  viewCommand('ls', 'list builds')
    .option('--patch <patch>', 'only of this patch, by name or id')
    .option(...kernelBuildOption)
    .addOption(statusOption(BuildStatus, 'BUILD_STATUS_', 'only with this status'))
    .addOption(limitOption())
    .action(({ patch, kernelBuild, status, limit, ...options }: Options) =>
      cli.run(options, async (context) => {
        const { build, signal } = context;
        const asked = { patch, kernelBuildId: await resolveKernelBuild(context, kernelBuild), status };
        const builds = await listAll(build.listBuilds, asked, (answer) => answer.builds, { signal, limit });
        return {
          document: { builds: builds.map(buildDocument) },
          text: buildTable(builds),
          wide: () => buildTable(builds, { isWide: true }),
          names: builds.map(({ id }) => id),
        };
      }),
    );
