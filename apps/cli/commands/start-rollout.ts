// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { leafCommand, wholeNumber, type Cli, type LeafOptions } from '../cli';
import { followRollout } from '../follow-rollout';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { ruleOptions, rulesFrom, type RuleOptions } from '../rule-options';
import { caveatLines, rolloutDocument, rolloutText } from '../views/rollout-view';

interface Options extends LeafOptions, RuleOptions {
  readonly cluster: string;
  readonly kernelBuild?: string;
  readonly to?: number;
  readonly wait?: boolean;
}

export const startRollout = (cli: Cli): Command =>
  ruleOptions(leafCommand('start', "move the cluster's nodes to a position of the load order, wave by wave"))
    .requiredOption('--cluster <cluster>', 'whose nodes')
    .option('--to <seq>', 'position (default: the head)', wholeNumber)
    .option('--wait', 'follow it to its end')
    .option(...kernelBuildOption)
    .action(({ cluster, kernelBuild, to: toSeq = 0, canaries = 0, ...options }: Options) =>
      cli.run(options, async (context) => {
        const { fleet, signal } = context;
        const kernelBuildId = await resolveKernelBuild(context, kernelBuild);
        const request = { cluster, kernelBuildId, toSeq, canaries, waveSize: 0, rules: rulesFrom(options) };
        const { rollout } = await fleet.startRollout(request, { signal });
        if (rollout === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no rollout.');
        if (options.wait !== true) return { document: rolloutDocument(rollout), text: rolloutText(rollout) };
        context.screen.say(`Rollout ${rollout.id} to position ${rollout.toSeq}`);
        for (const line of caveatLines(rollout)) context.screen.say(line);
        return followRollout(context, rollout.id);
      }),
    );
