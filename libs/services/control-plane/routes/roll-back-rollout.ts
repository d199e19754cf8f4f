// SPDX-License-Identifier: GPL-2.0-only
import type {
  PlanRollbackRequest,
  PlanRollbackResponse,
  RollBackRolloutRequest,
  RollBackRolloutResponse,
  UndoneEntry,
} from '@lockstep/contracts/generated';
import { entryToWire } from '@lockstep/contracts/wire';
import { inCluster, insistMay } from '@lockstep/domain/access';
import { LockstepError, parseSeq, staysLoadedFor, type ClusterName } from '@lockstep/domain/livepatch-model';
import { undoEntries, withRetired, type LoadEntry, type LogEntry, type Undoing } from '@lockstep/domain/load-order';
import { noProbes, type RolloutPolicy } from '@lockstep/domain/rollout-planner';
import type { RolloutRecord } from '@lockstep/io/database';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { CallContext } from '../grpc/call-route';
import type { KeepingContext } from '../grpc/kept-answer';
import { remembering } from '../remembering';
import type { Uses } from '../services';
import { rolloutToWire } from '../views/rollout-view';
import { appendEntry, type Appender } from './append-entry';
import { askedCanaries } from './asked-canaries';
import { approvalsFor, rulesOf } from './asked-rollout';
import { plannedAnswer } from './planned-answer';

type Planner = 'rollouts' | 'logs' | 'nodes' | 'db.rollouts' | 'db.clusters';

/** What rolling back needs. */
export type RollbackUses = Planner | Appender;

interface AskedRollback {
  readonly cluster: ClusterName;
  readonly policy: RolloutPolicy;
  readonly undoing: Undoing;
  /** The load order as it would be. */
  readonly entries: readonly LogEntry[];
}

/**
 * What rolling back means now: of entries that are retired already nothing is left to do but to roll that out.
 * @throws LockstepError `not-found`; `refused` `nothing-to-undo`, and the rules of the load order.
 */
async function askedRollback(
  services: Uses<Planner>,
  request: RollBackRolloutRequest,
  context: Pick<CallContext, 'caller'>,
): Promise<AskedRollback> {
  const { db, logs } = services;
  const { id, cluster, policy: before } = await db.rollouts.require(request.id);
  const { kernelBuild, toSeq: upTo } = before;
  const log = { cluster, kernelBuild };
  const after = await db.rollouts.succeededBefore(id);
  const shipped = await db.rollouts.furthest(log);
  const known = await logs.entries(log);
  const undoing = undoEntries(known, { after, upTo, shipped });
  if (undoing.undone.length === 0) {
    const message =
      `Rollout ${id} brought nothing new: #${after} had been rolled out before, and it loaded nothing after that. ` +
      'What it took out is loaded again with `lockstep order append`.';
    throw new LockstepError('refused', 'nothing-to-undo', message, { rollout: id, after, upTo });
  }
  const retires = undoing.retires.map(({ seq }) => seq);
  const entries = withRetired(log, known, retires, sha256OfBytes);
  const policy: RolloutPolicy = {
    ...before,
    ...rulesOf({ ...request, waveSize: 0 }, { ...before, bakeMs: 0, probing: noProbes, gates: [] }),
    // Who holds something of it goes first, unless somebody is chosen.
    ...askedCanaries(services, log, request, { canaries: before.canaries, canarySelector: undefined }),
    // Of whoever rolls back, as the cluster asks for them now.
    approvals: await approvalsFor(services, cluster, context),
    toSeq: parseSeq(entries.length),
    breakGlass: undefined,
    undoes: { rollout: id, after },
  };
  return { cluster, policy, undoing, entries };
}

const undoneToWire =
  ({ unshipped }: Undoing) =>
  (entry: LoadEntry): UndoneEntry => ({
    seq: entry.seq,
    patchName: entry.body.artifact.patchName,
    unshipped: unshipped.includes(entry),
    staysLoadedFor: [...staysLoadedFor(entry.body.artifact.caveats)],
  });

/** Appends and ships nothing, and says everything that a rollback would do if it began now. */
export async function planRollback(
  services: Uses<Planner>,
  { rollback }: PlanRollbackRequest,
  context: CallContext,
): Promise<PlanRollbackResponse> {
  if (rollback === undefined)
    throw new LockstepError('invalid-input', 'no-rollout', 'Say which rollout is rolled back.');
  const { cluster, policy, undoing, entries } = await askedRollback(services, rollback, context);
  return {
    ...(await plannedAnswer(services, cluster, policy, entries)),
    retires: undoing.retires.map(undoneToWire(undoing)),
    staysOut: undoing.staysOut.map(undoneToWire(undoing)),
  };
}

/**
 * Appends what retires the entries of a rollout, and rolls that out. Killed between the two it has appended, and asked again
 * it finds nothing left to append.
 * @throws LockstepError as `askedRollback`, as `begin`; `refused` `plan-changed`.
 */
export async function rollBackRollout(
  services: Uses<RollbackUses>,
  request: RollBackRolloutRequest,
  context: KeepingContext<RollBackRolloutResponse>,
): Promise<RollBackRolloutResponse> {
  const { rollouts } = services;
  const { caller, kept } = context;
  const { cluster, policy: asked, undoing, entries } = await askedRollback(services, request, context);
  insistMay(caller.identity, 'order', inCluster(cluster));
  const { planHash } = request;
  const shown =
    planHash === ''
      ? {}
      : { ...rollouts.shownPolicy(cluster, planHash), toSeq: asked.toSeq, approvals: asked.approvals };
  const policy = { ...asked, ...shown };
  const how = { supersedes: request.supersede === true ? ('any' as const) : [request.id] };
  const shownAs = planHash === '' ? undefined : planHash;
  await rollouts.insistCanBegin(cluster, policy, { ...how, shownAs }, entries);
  const log = { cluster, kernelBuild: policy.kernelBuild };
  const appended: LogEntry[] = [];
  for (const [index, { seq }] of undoing.retires.entries()) {
    const next = entries.length - undoing.retires.length + index + 1;
    appended.push(await appendEntry(services, log, () => ({ kind: 'retire', retires: seq }), next, undefined));
  }
  const answer = remembering((rollout: RolloutRecord): RollBackRolloutResponse => ({
    rollout: rolloutToWire(rollout),
    entries: appended.map(entryToWire),
  }));
  return answer(await rollouts.begin(cluster, policy, { ...how, call: kept(answer) }));
}
