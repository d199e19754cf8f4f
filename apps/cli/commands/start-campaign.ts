// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { campaignOptions, campaignRequest, type CampaignOptions } from '../campaign-request';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { followCampaign } from '../follow-campaign';
import { campaignDocument, campaignText } from '../views/campaign-view';

interface Options extends LeafOptions, CampaignOptions {
  readonly plan?: string;
  readonly wait?: boolean;
}

export const startCampaign = (cli: Cli): Command =>
  campaignOptions(
    leafCommand('start', 'build a patch for several clusters, order it in each, and roll it out, one after the other'),
  )
    .option('--plan <hash>', 'only if it is what `campaign plan` has shown; with the same options')
    .option('--wait', 'follow it to its end, or until it halts (exit 5)')
    .action((patch: string, { plan: planHash = '', ...options }: Options) =>
      cli.run(options, async (context) => {
        const { campaigns, signal, screen } = context;
        const { campaign } = await campaigns.startCampaign(campaignRequest(patch, options, planHash), { signal });
        if (campaign === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no campaign.');
        if (options.wait !== true) return { document: campaignDocument(campaign), text: campaignText(campaign) };
        screen.say(`Campaign ${campaign.id} of ${campaign.patchName}`);
        return followCampaign(context, campaign.id);
      }),
    );
