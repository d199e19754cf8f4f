// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { GetExposureResponse, LogEntry, Patch, Rollout } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { listAll } from '@lockstep/io/rpc-client';
import { leafCommand, type Cli, type TaskContext } from '../cli';
import { asksForJson, formatOption, reportAnswer, type ReportOptions } from '../reports/report-form';
import { rolloutReport, type RolloutFacts } from '../reports/rollout-report';

/** The patches that the entries load. */
const loadedBy = (entries: readonly LogEntry[], patches: readonly Patch[]): Patch[] => {
  const ids = new Set(
    entries.flatMap(({ body }) => (body?.$case === 'load' ? [body.value.artifact?.patchId ?? ''] : [])),
  );
  return patches.filter(({ id }) => ids.has(id));
};

/** Of the rollout's own nodes. */
async function exposureOf(
  { fleet, signal }: TaskContext,
  { cluster, nodes }: Rollout,
  patches: readonly Patch[],
): Promise<GetExposureResponse | undefined> {
  const cves = [...new Set(patches.flatMap((patch) => patch.cves))].sort();
  if (cves.length === 0) return undefined;
  const answer = await fleet.getExposure({ cves, cluster, selector: '' }, { signal });
  const names = new Set(nodes.map(({ node }) => node));
  const kept = answer.nodes.flatMap(({ name }, index) => (names.has(name) ? [index] : []));
  const places = new Map(kept.map((index, place) => [index, place]));
  const groupsOf = (groups: GetExposureResponse['cves'][number]['groups']) =>
    groups
      .map((group) => ({ ...group, nodes: group.nodes.flatMap((index) => places.get(index) ?? []) }))
      .filter((group) => group.nodes.length > 0);
  return {
    ...answer,
    nodes: answer.nodes.filter(({ name }) => names.has(name)),
    cves: answer.cves.map((each) => ({ ...each, groups: groupsOf(each.groups) })),
  };
}

async function gather(context: TaskContext, id: string): Promise<RolloutFacts> {
  const { fleet, build, signal } = context;
  const { rollout } = await fleet.getRollout({ id }, { signal });
  if (rollout === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no rollout.');
  const { cluster, kernelBuildId, toSeq } = rollout;
  const order = await fleet.getOrder({ cluster, kernelBuildId }, { signal });
  const entries = order.entries.filter(({ seq }) => seq <= toSeq);
  const patches = loadedBy(entries, await listAll(build.listPatches, {}, (answer) => answer.patches, { signal }));
  return { rollout, entries, patches, exposure: await exposureOf(context, rollout, patches) };
}

export const reportRollout = (cli: Cli): Command =>
  leafCommand('rollout', 'what a rollout brought where, who is there and who is not, and what the kernels show of it')
    .argument('<rollout>', 'id')
    .addOption(formatOption())
    .action((id: string, options: ReportOptions) =>
      cli.run({ ...options, json: asksForJson(options) }, async (context) =>
        reportAnswer(rolloutReport(await gather(context, id)), options.format),
      ),
    );
