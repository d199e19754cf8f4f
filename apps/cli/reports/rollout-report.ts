// SPDX-License-Identifier: GPL-2.0-only
import type { GetExposureResponse, LogEntry, Patch, Rollout } from '@lockstep/contracts/generated';
import { toDocument } from '../document';
import { showTime } from '../table';
import { exposureDocument } from '../views/exposure-view';
import { describeEntry, entryDocument } from '../views/order-view';
import { rolloutDocument, rolloutStatusWord } from '../views/rollout-view';
import { coverageTable } from './coverage-report';
import { csv } from './csv';
import { markdownFields, markdownTable } from './markdown';
import type { Report } from './report-form';

export interface RolloutFacts {
  readonly rollout: Rollout;
  /** Of its load order, up to its position. */
  readonly entries: readonly LogEntry[];
  readonly patches: readonly Patch[];
  /** Of the CVEs that the stack at its position fixes, on its nodes; undefined where there are none. */
  readonly exposure: GetExposureResponse | undefined;
}

const heads = [
  ...(['rollout', 'cluster', 'kernelBuildId', 'toSeq', 'status', 'startedAt', 'endedAt'] as const),
  ...(['node', 'wave', 'position', 'state', 'since', 'message'] as const),
] as const;

type Row = Readonly<Record<(typeof heads)[number], string | number>>;

const iso = (time: Date | undefined): string => time?.toISOString() ?? '';

function rowsOf(rollout: Rollout): Row[] {
  const { id, cluster, kernelBuildId, toSeq, startedAt, endedAt } = rollout;
  const common = { rollout: id, cluster, kernelBuildId, toSeq, status: rolloutStatusWord(rollout.status) };
  const times = { startedAt: iso(startedAt), endedAt: iso(endedAt) };
  return rollout.nodes.map(({ node, wave, position, notYet, since }) => ({
    ...{ ...common, ...times, node, wave, position },
    state: notYet?.reason ?? 'there',
    since: iso(since),
    message: notYet?.message ?? '',
  }));
}

function entryRows({ entries, patches }: RolloutFacts): string[][] {
  const cves = new Map(patches.map(({ id, cves: named }) => [id, named]));
  return entries.map((entry) => {
    const artifact = entry.body?.$case === 'load' ? entry.body.value.artifact : undefined;
    const fixes = (cves.get(artifact?.patchId ?? '') ?? []).join(' ');
    return [describeEntry(entry), fixes, artifact?.sha256 ?? '', entry.hash];
  });
}

const nodeRows = (rows: readonly Row[]): string[][] =>
  rows.map(({ node, wave, position, state, since, message }) =>
    [node, wave, position, state, since, message].map(String),
  );

function markdown(facts: RolloutFacts): string {
  const { rollout, exposure } = facts;
  const rows = rowsOf(rollout);
  const there = rows.filter(({ state }) => state === 'there');
  const nodeHeads = ['Node', 'Wave', 'Position', 'State', 'Since', 'Reason'];
  const exceptions = nodeRows(rows.filter((row) => !there.includes(row)));
  return [
    `# Rollout ${rollout.id}`,
    markdownFields([
      ['Cluster', rollout.cluster],
      ['Kernel build', rollout.kernelBuildId],
      ['To position', `#${rollout.toSeq}`],
      ['Status', rolloutStatusWord(rollout.status)],
      ['Started', showTime(rollout.startedAt)],
      ['Ended', showTime(rollout.endedAt)],
      ['Nodes there', `${there.length} of ${rows.length}`],
    ]),
    '## Exceptions',
    markdownTable(nodeHeads, exceptions, 'None: every node is there.'),
    '## Load order up to there',
    markdownTable(['Entry', 'CVEs', 'Module (sha256)', 'Hash of the entry'], entryRows(facts), 'No entries.'),
    ...(exposure === undefined
      ? []
      : [
          '## CVEs',
          `Judged ${showTime(exposure.judgedAt)}, by what each kernel showed then.`,
          coverageTable(exposure.cves),
        ]),
    '## Nodes',
    markdownTable(nodeHeads, nodeRows(rows), 'No nodes.'),
  ].join('\n\n');
}

/** What was brought where, whether it is there, and what the kernels show of it. */
export function rolloutReport(facts: RolloutFacts): Report {
  const { rollout, entries, exposure } = facts;
  return {
    document: {
      rollout: rolloutDocument(rollout),
      entries: entries.map(entryDocument),
      judgedAt: toDocument(exposure?.judgedAt),
      cves: exposure?.cves.map((each) => exposureDocument(exposure, each)) ?? [],
    },
    markdown: () => markdown(facts),
    csv: () => csv(heads, rowsOf(rollout)),
  };
}
