// SPDX-License-Identifier: GPL-2.0-only
import { RolloutStatus } from '@lockstep/contracts/generated';
import { listAll } from '@lockstep/io/rpc-client';
import type { Command } from 'commander';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { limitOption, statusOption, type ListOptions } from '../list-options';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { rolloutSummaryDocument, rolloutTable } from '../views/rollout-view';

interface Options extends LeafOptions, ListOptions {
  readonly cluster?: string;
  readonly kernelBuild?: string;
  readonly status?: RolloutStatus;
}

export const listRollouts = (cli: Cli): Command =>
  viewCommand('ls', 'list rollouts, the newest first')
    .option('--cluster <cluster>', 'of this cluster only')
    .option(...kernelBuildOption)
    .addOption(statusOption(RolloutStatus, 'ROLLOUT_STATUS_', 'only with this status'))
    .addOption(limitOption())
    .action(({ cluster = '', kernelBuild, status, limit, ...options }: Options) =>
      cli.run(options, async (context) => {
        const { fleet, signal } = context;
        const asked = { cluster, kernelBuildId: await resolveKernelBuild(context, kernelBuild), status };
        const rollouts = await listAll(fleet.listRollouts, asked, (answer) => answer.rollouts, { signal, limit });
        return {
          document: { rollouts: rollouts.map(rolloutSummaryDocument) },
          text: rolloutTable(rollouts),
          names: rollouts.map(({ id }) => id),
        };
      }),
    );
