// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { insistNoCanaries, rolloutOptions, rolloutRequest, type RolloutOptions } from '../rollout-request';
import { planDocument, planText } from '../views/plan-view';

export const planRollout = (cli: Cli): Command =>
  rolloutOptions(leafCommand('plan', 'say everything that a rollout would do if it began now, and ship nothing'))
    .option('--break-glass', 'as the emergency that `rollout start --break-glass` begins')
    .action((options: LeafOptions & RolloutOptions & { readonly breakGlass?: boolean }) =>
      cli.run(options, async (context) => {
        const rollout = await rolloutRequest(context, options);
        const { breakGlass = false } = options;
        if (breakGlass) insistNoCanaries(rollout.canaries);
        const plan = await context.fleet.planRollout({ rollout, breakGlass }, { signal: context.signal });
        return { document: planDocument(plan), text: planText(plan) };
      }),
    );
