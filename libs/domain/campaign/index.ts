// SPDX-License-Identifier: GPL-2.0-only
export {
  memberKey,
  type BuildFacts,
  type CampaignFacts,
  type CampaignOrder,
  type CampaignPolicy,
  type MemberFacts,
  type MemberRollout,
  type RolloutWord,
} from './campaign';
export {
  agreementText,
  campaignState,
  countStates,
  isInTrouble,
  hasEnded,
  lacksApprovals,
  memberState,
  standingOrder,
  troublesOf,
  type CampaignState,
  type MemberState,
} from './campaign-state';
export {
  explainCampaignRefusal,
  refuseCampaignOrder,
  type CampaignRefusal,
  type WantedOrder,
} from './refuse-campaign-order';
export { nextSteps, type CampaignStep } from './next-steps';
