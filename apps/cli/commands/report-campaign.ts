// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { Rollout } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { leafCommand, type Cli, type TaskContext } from '../cli';
import { campaignReport, type CampaignFacts } from '../reports/campaign-report';
import { asksForJson, formatOption, reportAnswer, type ReportOptions } from '../reports/report-form';

async function gather({ campaigns, fleet, signal }: TaskContext, id: string): Promise<CampaignFacts> {
  const { campaign } = await campaigns.getCampaign({ id }, { signal });
  if (campaign === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no campaign.');
  const rollouts: Rollout[] = [];
  for (const { rolloutId } of campaign.members) {
    const rollout = rolloutId === '' ? undefined : (await fleet.getRollout({ id: rolloutId }, { signal })).rollout;
    if (rollout !== undefined) rollouts.push(rollout);
  }
  return { campaign, rollouts };
}

export const reportCampaign = (cli: Cli): Command =>
  leafCommand('report', 'what a campaign brought into which cluster, and who is not there')
    .argument('<campaign>', 'id')
    .addOption(formatOption())
    .action((id: string, options: ReportOptions) =>
      cli.run({ ...options, json: asksForJson(options) }, async (context) =>
        reportAnswer(campaignReport(await gather(context, id)), options.format),
      ),
    );
