// SPDX-License-Identifier: GPL-2.0-only
import type {
  PlanCampaignRequest,
  PlanCampaignResponse,
  PlannedMember,
  StartCampaignRequest,
} from '@lockstep/contracts/generated';
import type { CampaignPolicy } from '@lockstep/domain/campaign';
import { inCluster, insistMay, type Verb } from '@lockstep/domain/access';
import {
  LockstepError,
  parseClusterName,
  parseSeq,
  type KernelBuildId,
  type Seq,
} from '@lockstep/domain/livepatch-model';
import { withAppended, type LogEntry, type LogName } from '@lockstep/domain/load-order';
import { waveSizes, type RolloutRules } from '@lockstep/domain/rollout-planner';
import type { BuildRecord, PatchRecord } from '@lockstep/io/database';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { buildFacts, seqOf } from '../campaigns/gather-campaign';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { loadBody } from './append-load';
import { canariesOfEach, rulesOfMember } from './asked-canaries';
import { approvalsFor, rulesOf } from './asked-rollout';
import { checkConflicts } from './check-conflicts';
import { builtFor, type BuildChooser } from './choose-build';
import type { LogChooser } from './choose-log';

/** What planning a campaign needs. */
export type CampaignPlanner = LogChooser | BuildChooser | 'rollouts' | 'logs' | 'db.rollouts';

export interface AskedCampaign {
  readonly patch: PatchRecord;
  readonly rules: RolloutRules;
  readonly policy: CampaignPolicy;
  /** In the order in which they get their turn. */
  readonly members: readonly LogName[];
}

/** Those that the cluster's nodes run. @throws LockstepError `invalid-input` `no-kernel-build` */
async function kernelBuildsOf({ db, nodes }: Uses<LogChooser>, cluster: LogName['cluster']): Promise<KernelBuildId[]> {
  const ofNodes = nodes.list(cluster).flatMap(({ kernelBuild }) => (kernelBuild === null ? [] : [kernelBuild]));
  const found = [...new Set(ofNodes)].sort();
  for (const each of found) await db.kernelBuilds.require(each);
  if (found.length > 0) return found;
  const message = `No node of cluster "${cluster}" has told which kernel it runs: there is nothing to roll out to.`;
  throw new LockstepError('invalid-input', 'no-kernel-build', message, { cluster });
}

/**
 * The campaign that a request means.
 * @param verb that the caller must have in each of its clusters
 * @throws LockstepError `forbidden`, `not-found`, `invalid-input`
 */
export async function askedCampaign(
  services: Uses<CampaignPlanner>,
  { patch, clusters, canaries, rules, membersAtOnce, goesOnAfterHalt }: StartCampaignRequest,
  { caller }: Pick<CallContext, 'caller'>,
  verb: Verb,
): Promise<AskedCampaign> {
  const names = [...new Set(clusters)].map(parseClusterName);
  if (names.length === 0) {
    throw new LockstepError(
      'invalid-input',
      'no-cluster',
      'A campaign is for one cluster at least: name them with --cluster.',
    );
  }
  const members: LogName[] = [];
  for (const name of names) {
    insistMay(caller.identity, verb, inCluster(name));
    const { name: cluster } = await services.db.clusters.require(name);
    for (const kernelBuild of await kernelBuildsOf(services, cluster)) members.push({ cluster, kernelBuild });
  }
  return {
    patch: await services.db.patches.require(patch),
    rules: { ...rulesOf({ waveSize: 0, rules }), ...canariesOfEach({ canaries, rules }) },
    policy: { membersAtOnce: membersAtOnce === 0 ? 1 : membersAtOnce, goesOnAfterHalt },
    members,
  };
}

interface Planned {
  readonly told: PlannedMember;
  /** Of what was looked at: what changes it is another plan. */
  readonly facts: unknown;
}

const nothingTold = (log: LogName): PlannedMember => ({
  ...{ cluster: log.cluster, kernelBuildId: log.kernelBuild, state: '', buildId: '', nodeCount: 0, waves: [] },
  ...{ problem: undefined, waysOut: [] },
});

/** Where its rollout goes: to the entry of its patch, or to where nodes were sent already. */
export const memberTarget = async ({ db }: Uses<'db.rollouts'>, log: LogName, seq: Seq): Promise<Seq> =>
  parseSeq(Math.max(seq, await db.rollouts.furthest(log)));

/** As its rollout would begin over these entries. @param seq the entry of its patch */
async function previewed(
  services: Uses<CampaignPlanner>,
  log: LogName,
  { rules }: AskedCampaign,
  entries: readonly LogEntry[],
  seq: Seq,
  context: Pick<CallContext, 'caller'>,
): Promise<{ readonly told: Pick<PlannedMember, 'nodeCount' | 'waves'>; readonly facts: string }> {
  const { cluster, kernelBuild } = log;
  const approvals = await approvalsFor(services, cluster, context);
  const toSeq = await memberTarget(services, log, seq);
  const policy = { ...rulesOfMember(services, log, rules), approvals, kernelBuild, toSeq };
  const { plan, hash } = await services.rollouts.preview(cluster, policy, entries);
  return { told: { nodeCount: plan.nodes.length, waves: plan.waves.map(({ planned }) => planned) }, facts: hash };
}

/** Over the entries as they would be. @throws LockstepError what is in the way of ordering it, or of beginning. */
async function plannedBuilt(
  services: Uses<CampaignPlanner>,
  log: LogName,
  asked: AskedCampaign,
  context: Pick<CallContext, 'caller'>,
) {
  const { db, logs } = services;
  const choose = await builtFor(db, log, asked.patch, '');
  const { switching } = await db.clusters.require(log.cluster);
  const known = await logs.entries(log);
  const body = loadBody(choose, { overrides: [], mayInterrupt: false, switching })(known);
  const entries = withAppended(log, known, [body], sha256OfBytes);
  return previewed(services, log, asked, entries, parseSeq(entries.length), context);
}

/** Who runs that kernel, before there is a module. */
function plannedUnbuilt(services: Uses<CampaignPlanner>, log: LogName, { rules }: AskedCampaign) {
  const members = services.nodes.list(log.cluster).filter((node) => node.kernelBuild === log.kernelBuild);
  const waves = waveSizes(rulesOfMember(services, log, rules), members.length);
  const told = { nodeCount: members.length, waves };
  return { told, facts: members.map(({ name }) => name).sort() };
}

async function planMember(
  services: Uses<CampaignPlanner>,
  log: LogName,
  asked: AskedCampaign,
  builds: readonly BuildRecord[],
  context: CallContext,
): Promise<Planned> {
  const build = buildFacts(builds, log.kernelBuild);
  const buildId = build.kind === 'none' ? '' : build.id;
  const told = { ...nothingTold(log), buildId };
  const entries = await services.logs.entries(log);
  try {
    const seq = seqOf(entries, asked.patch.id);
    if (seq !== null) {
      const plan = await previewed(services, log, asked, entries, seq, context);
      return { told: { ...told, ...plan.told, state: 'ordered' }, facts: plan.facts };
    }
    if (build.kind !== 'built') {
      const state = { none: 'to-build', working: 'building', failed: 'build-failed' }[build.kind];
      const plan = plannedUnbuilt(services, log, asked);
      const problem = build.kind === 'failed' ? { reason: state, message: build.message } : undefined;
      return { told: { ...told, ...plan.told, state, problem }, facts: [state, plan.facts] };
    }
    const plan = await plannedBuilt(services, log, asked, context);
    return { told: { ...told, ...plan.told, state: 'built' }, facts: [buildId, plan.facts] };
  } catch (error) {
    if (!(error instanceof LockstepError) || error.kind === 'unavailable') throw error;
    const { reason, message } = error;
    const conflict = { cluster: log.cluster, patch: asked.patch.id, kernelBuildId: log.kernelBuild, buildId: '' };
    const waysOut = reason === 'unforced-conflict' ? (await checkConflicts(services, conflict)).waysOut : [];
    return { told: { ...told, state: build.kind, problem: { reason, message }, waysOut }, facts: [buildId, reason] };
  }
}

/** What it would do if it began now, and the hash by which exactly that is begun. */
export async function plannedCampaign(
  services: Uses<CampaignPlanner>,
  asked: AskedCampaign,
  context: CallContext,
): Promise<PlanCampaignResponse> {
  const { patch, rules, policy, members } = asked;
  const builds = await services.db.builds.ofPatch(patch.id);
  const planned: Planned[] = [];
  for (const log of members) planned.push(await planMember(services, log, asked, builds, context));
  const text = JSON.stringify([
    'lockstep campaign plan 1',
    patch.id,
    rules,
    policy,
    members,
    planned.map(({ facts }) => facts),
  ]);
  return { hash: sha256OfBytes(Buffer.from(text)), members: planned.map(({ told }) => told) };
}

/** Ships and orders nothing, builds nothing, and says everything. */
export async function planCampaign(
  services: Uses<CampaignPlanner>,
  { campaign }: PlanCampaignRequest,
  context: CallContext,
): Promise<PlanCampaignResponse> {
  if (campaign === undefined) {
    throw new LockstepError('invalid-input', 'no-campaign', 'Say which campaign is to be planned.');
  }
  return plannedCampaign(services, await askedCampaign(services, campaign, context, 'look'), context);
}
