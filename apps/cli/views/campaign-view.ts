// SPDX-License-Identifier: GPL-2.0-only
import {
  CampaignStatus,
  type Campaign,
  type CampaignMember,
  type PlanCampaignResponse,
  type PlannedMember,
} from '@lockstep/contracts/generated';
import { counted, visibleLine } from '@lockstep/domain/visible-text';
import { enumWord, toDocument } from '../document';
import { showTime, table } from '../table';

export const campaignStatusWord = (status: CampaignStatus): string =>
  enumWord(CampaignStatus, 'CAMPAIGN_STATUS_', status);

export const campaignHasSucceeded = ({ status }: Campaign): boolean =>
  status === CampaignStatus.CAMPAIGN_STATUS_SUCCEEDED;

export const campaignDocument = (campaign: Campaign): object => ({
  ...(toDocument(campaign) as object),
  status: campaignStatusWord(campaign.status),
});

const shortBuild = (id: string): string => id.slice(0, 12);

/** `web/0123456789ab: running, 3 of 20 nodes there`. */
export function memberLine(member: CampaignMember): string {
  const { cluster, kernelBuildId, state, nodeCount, nodesThere, message } = member;
  const nodes = nodeCount === 0 ? '' : `, ${nodesThere} of ${counted(nodeCount, 'node')} there`;
  const why = message === '' ? '' : `. ${message}`;
  return visibleLine(`${cluster}/${shortBuild(kernelBuildId)}: ${state}${nodes}${why}`);
}

/** What people are to type, where their word is waited for. */
function approvalLine({ id, members, planHash, author }: Campaign): string[] {
  const asking = members.flatMap(({ approvals }) => (approvals === undefined || approvals.begun ? [] : [approvals]));
  const lacking = asking.filter(({ given, needed }) => given < needed);
  if (planHash === '' || lacking.length === 0) return [];
  const needed = Math.max(...lacking.map((each) => each.needed));
  return [
    visibleLine(
      `It needs the approval of ${needed}, never of ${author}. To approve all of it: lockstep campaign approve ${id} --plan ${planHash}`,
    ),
  ];
}

const orderLines = ({ orders }: Campaign): string[] =>
  orders.map(({ kind, reason, givenAt, givenBy }) =>
    visibleLine(`${showTime(givenAt)} ${kind} by ${givenBy}${reason === '' ? '' : `: ${reason}`}`),
  );

function helpLine({ id, status }: Campaign): string[] {
  if (status !== CampaignStatus.CAMPAIGN_STATUS_HALTED) return [];
  return [
    `A member is in trouble, and holds the others. To go on despite it: lockstep campaign resume ${id} --reason TEXT`,
  ];
}

export function campaignText(campaign: Campaign): string {
  const { id, patchName, status, members, membersAtOnce } = campaign;
  const rows = members.map((member) => [
    ...[member.cluster, shortBuild(member.kernelBuildId), member.state],
    member.seq === 0 ? '' : `#${member.seq}`,
    `${member.nodesThere}/${member.nodeCount}`,
    ...[member.rolloutId, member.message],
  ]);
  const ended = members.filter(({ state }) => state === 'succeeded').length;
  return [
    `Campaign ${id} of ${patchName}: ${campaignStatusWord(status)}, ${ended} of ${members.length} done, ${membersAtOnce} at once`,
    ...helpLine(campaign),
    ...approvalLine(campaign),
    ...orderLines(campaign),
    '',
    table(['CLUSTER', 'KERNEL', 'STATE', 'ENTRY', 'THERE', 'ROLLOUT', 'MESSAGE'], rows, 'No members.'),
  ].join('\n');
}

export const campaignTable = (campaigns: readonly Campaign[]): string =>
  table(
    ['CAMPAIGN', 'PATCH', 'STATUS', 'BY', 'STARTED', 'ENDED'],
    campaigns.map(({ id, patchName, status, author, startedAt, endedAt }) => [
      ...[id, patchName, campaignStatusWord(status), author, showTime(startedAt), showTime(endedAt)],
    ]),
    'No campaigns.',
  );

const plannedRow = ({ cluster, kernelBuildId, state, nodeCount, waves, problem }: PlannedMember): string[] => [
  ...[cluster, shortBuild(kernelBuildId), state, String(nodeCount), waves.join(' + '), problem?.message ?? ''],
];

const wayLines = ({ cluster, waysOut }: PlannedMember): string[] =>
  waysOut.map(({ kind, explanation, command }) => visibleLine(`${cluster}: ${kind} ${explanation}: ${command}`));

export function campaignPlanText({ hash, members }: PlanCampaignResponse): string {
  const nodes = members.reduce((sum, { nodeCount }) => sum + nodeCount, 0);
  const isObstructed = members.some(({ problem }) => problem !== undefined);
  return [
    `Plan of ${counted(members.length, 'member')}, ${counted(nodes, 'node')}, one after the other in this order. Nothing has been built, ordered or shipped.`,
    '',
    table(['CLUSTER', 'KERNEL', 'MODULE', 'NODES', 'WAVES', 'IN THE WAY'], members.map(plannedRow), 'No members.'),
    ...members.flatMap(wayLines),
    '',
    isObstructed
      ? 'It cannot begin before nothing is in the way of any of them.'
      : `To begin exactly this: the same with start in place of plan, and --plan ${hash}`,
  ].join('\n');
}
