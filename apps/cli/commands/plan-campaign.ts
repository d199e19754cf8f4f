// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { campaignOptions, campaignRequest, type CampaignOptions } from '../campaign-request';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { campaignPlanText } from '../views/campaign-view';

export const planCampaign = (cli: Cli): Command =>
  campaignOptions(
    leafCommand('plan', 'say what a campaign would do in each of its clusters, and build, order and ship nothing'),
  ).action((patch: string, options: LeafOptions & CampaignOptions) =>
    cli.run(options, async ({ campaigns, signal }) => {
      const plan = await campaigns.planCampaign({ campaign: campaignRequest(patch, options, '') }, { signal });
      return { document: toDocument(plan), text: campaignPlanText(plan) };
    }),
  );
