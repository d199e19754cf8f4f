// SPDX-License-Identifier: GPL-2.0-only
import { CampaignStatus, type Campaign } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { Answer, TaskContext } from './cli';
import {
  campaignDocument,
  campaignHasSucceeded,
  campaignStatusWord,
  campaignText,
  memberLine,
} from './views/campaign-view';

/**
 * Shows a campaign until it has ended, or has halted, a line whenever something new is known of it. Anything but a success is a
 * failed command.
 */
export async function followCampaign({ campaigns, screen, signal }: TaskContext, id: string): Promise<Answer> {
  const said = new Map<string, string>();
  const say = (what: string, line: string): void => {
    if (said.get(what) !== line) screen.say(line);
    said.set(what, line);
  };
  let last: Campaign | undefined;
  for await (const { campaign } of campaigns.watchCampaign({ id }, { signal })) {
    if (campaign === undefined) continue;
    last = campaign;
    for (const member of campaign.members) say(`${member.cluster}/${member.kernelBuildId}`, memberLine(member));
    say('', `campaign: ${campaignStatusWord(campaign.status)}`);
    if (campaign.status === CampaignStatus.CAMPAIGN_STATUS_HALTED) break;
  }
  if (last === undefined) {
    throw new LockstepError('internal', 'no-answer', `The server said nothing about campaign ${id}.`, { id });
  }
  const hasHalted = last.status === CampaignStatus.CAMPAIGN_STATUS_HALTED;
  return {
    document: campaignDocument(last),
    text: campaignText(last),
    hasFailed: !campaignHasSucceeded(last),
    hasHalted,
  };
}
