// SPDX-License-Identifier: GPL-2.0-only
import type { Campaign, Rollout } from '@lockstep/contracts/generated';
import { showTime } from '../table';
import { campaignDocument, campaignStatusWord } from '../views/campaign-view';
import { rolloutSummaryDocument } from '../views/rollout-view';
import { csv } from './csv';
import { markdownFields, markdownTable } from './markdown';
import type { Report } from './report-form';

export interface CampaignFacts {
  readonly campaign: Campaign;
  /** Of its members, as far as they were begun. */
  readonly rollouts: readonly Rollout[];
}

const heads = [
  ...(['campaign', 'patch', 'cluster', 'kernelBuildId', 'state', 'entry', 'build', 'rollout'] as const),
  ...(['startedAt', 'endedAt', 'nodes', 'nodesThere', 'message'] as const),
] as const;

type Row = Readonly<Record<(typeof heads)[number], string | number>>;

const iso = (time: Date | undefined): string => time?.toISOString() ?? '';

function rowsOf({ campaign, rollouts }: CampaignFacts): Row[] {
  return campaign.members.map((member) => {
    const rollout = rollouts.find(({ id }) => id === member.rolloutId);
    return {
      ...{
        campaign: campaign.id,
        patch: campaign.patchName,
        cluster: member.cluster,
        kernelBuildId: member.kernelBuildId,
      },
      ...{ state: member.state, entry: member.seq, build: member.buildId, rollout: member.rolloutId },
      ...{ startedAt: iso(rollout?.startedAt), endedAt: iso(rollout?.endedAt) },
      ...{ nodes: member.nodeCount, nodesThere: member.nodesThere, message: member.message },
    };
  });
}

/** Nodes that are not there, each with its cluster and why. */
const exceptionRows = (rollouts: readonly Rollout[]): string[][] =>
  rollouts.flatMap(({ cluster, nodes }) =>
    nodes.flatMap(({ node, position, notYet }) =>
      notYet === undefined ? [] : [[cluster, node, String(position), notYet.reason, notYet.message]],
    ),
  );

function markdown(facts: CampaignFacts): string {
  const { campaign, rollouts } = facts;
  const memberHeads = ['Cluster', 'Kernel build', 'State', 'Entry', 'Rollout', 'There', 'Message'];
  const members = rowsOf(facts).map((row) => [
    ...[row.cluster, row.kernelBuildId, row.state, row.entry === 0 ? '' : `#${row.entry}`, row.rollout].map(String),
    ...[`${row.nodesThere} of ${row.nodes}`, String(row.message)],
  ]);
  const orders = campaign.orders.map(({ kind, reason, givenAt, givenBy }) => [
    showTime(givenAt),
    kind,
    givenBy,
    reason,
  ]);
  return [
    `# Campaign ${campaign.id}`,
    markdownFields([
      ['Patch', campaign.patchName],
      ['Status', campaignStatusWord(campaign.status)],
      ['Begun by', campaign.author],
      ['Started', showTime(campaign.startedAt)],
      ['Ended', showTime(campaign.endedAt)],
    ]),
    '## Clusters',
    markdownTable(memberHeads, members, 'None.'),
    '## Exceptions',
    markdownTable(
      ['Cluster', 'Node', 'Position', 'State', 'Reason'],
      exceptionRows(rollouts),
      'None: every node is there.',
    ),
    '## Orders',
    markdownTable(['When', 'Order', 'By', 'Reason'], orders, 'None.'),
  ].join('\n\n');
}

/** What a campaign brought where, and who is not there. */
export const campaignReport = (facts: CampaignFacts): Report => ({
  document: { campaign: campaignDocument(facts.campaign), rollouts: facts.rollouts.map(rolloutSummaryDocument) },
  markdown: () => markdown(facts),
  csv: () => csv(heads, rowsOf(facts)),
});
