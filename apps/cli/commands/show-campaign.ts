// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { campaignDocument, campaignText } from '../views/campaign-view';

export const showCampaign = (cli: Cli): Command =>
  viewCommand('show', 'show a campaign: how each of its clusters is, and what it waits for')
    .argument('<campaign>', 'id')
    .action((id: string, options: LeafOptions) =>
      cli.run(options, async ({ campaigns, signal }) => {
        const { campaign } = await campaigns.getCampaign({ id }, { signal });
        if (campaign === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no campaign.');
        return { document: campaignDocument(campaign), text: campaignText(campaign), names: [campaign.id] };
      }),
    );
