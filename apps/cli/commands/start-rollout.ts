// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { followRollout } from '../follow-rollout';
import { plannedRequest, rolloutOptions, rolloutRequest, type RolloutOptions } from '../rollout-request';
import { caveatLines, rolloutDocument, rolloutText } from '../views/rollout-view';

interface Options extends LeafOptions, RolloutOptions {
  readonly plan?: string;
  readonly supersede?: boolean;
  readonly wait?: boolean;
}

export const startRollout = (cli: Cli): Command =>
  rolloutOptions(leafCommand('start', "move the cluster's nodes to a position of the load order, wave by wave"))
    .option(
      '--plan <hash>',
      'begin exactly what `rollout plan` has shown; of that --cluster; no other option but --wait and --supersede counts then',
    )
    .option('--supersede', 'end one of the same load order that is running or paused, and go on from where it stands')
    .option('--wait', 'follow it to its end')
    .action(({ plan: planHash = '', ...options }: Options) =>
      cli.run(options, async (context) => {
        const { fleet, signal } = context;
        const asked = planHash === '' ? await rolloutRequest(context, options) : plannedRequest(options, planHash);
        const request = { ...asked, supersede: options.supersede === true };
        const { rollout } = await fleet.startRollout(request, { signal });
        if (rollout === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no rollout.');
        if (options.wait !== true) return { document: rolloutDocument(rollout), text: rolloutText(rollout) };
        context.screen.say(`Rollout ${rollout.id} to position ${rollout.toSeq}`);
        for (const line of caveatLines(rollout)) context.screen.say(line);
        return followRollout(context, rollout.id);
      }),
    );
