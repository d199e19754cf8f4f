// SPDX-License-Identifier: GPL-2.0-only
import { planningWithoutFaults } from '@lockstep/domain/plan-checks';
import { LockstepError, parseSeq, seqZero, type ClusterName, type Seq } from '@lockstep/domain/livepatch-model';
import { stackAt, type LogEntry, type LogName } from '@lockstep/domain/load-order';
import {
  explainOrderRefusal,
  estimateEnd,
  explainRolloutRefusal,
  planCaveats,
  plannedGates,
  plannedLoads,
  type PlannedGate,
  type PlannedLoad,
  previewRollout,
  type EstimatedEnd,
  type NodeFacts,
  retiredLoads,
  takenBack,
  refuseOrder,
  refuseRollout,
  type PlanRequest,
  type RolloutOrder,
  type RolloutPlan,
  type RolloutPolicy,
  type RolloutPreview,
} from '@lockstep/domain/rollout-planner';
import type { Database, KeptCall, NewRollout, RolloutRecord } from '@lockstep/io/database';
import type { TraceMemory } from '@lockstep/platform/tracing';
import type { Logger } from 'pino';
import type { AgentSessions } from '../agents/agent-sessions';
import { FleetReturn } from '../agents/fleet-return';
import { betweenTurns } from '../agents/between-turns';
import { inTurns } from '../agents/in-turns';
import type { KnownLogs } from '../agents/known-logs';
import type { KnownNodes } from '../agents/known-nodes';
import type { ChangeNotifier } from '../change-notifier';
import { Reconciler } from '../reconciler';
import { steadyTimeMs } from '../steady-time';
import type { Replica } from '../replicas/replica';
import { gatherInventory } from './gather';
import { GateWatch, type AskMetrics } from './gate-watch';
import { KnownSchedules } from './known-schedules';
import { Looks } from './looks';
import { ModuleSigners } from './module-signers';
import { ProbeDispatch } from './probe-orders';
import { agreementHash, isOfOrder, tookBefore, withThoseThatReturn } from './planned-from';
import { QuietLooks } from './quiet-looks';
import { RolloutsInForce } from './rollouts-in-force';
import { ShownPlans } from './shown-plans';

/** Every rollout in force is reconciled this often even if nothing is said to have changed. */
const reconcileEveryMs = 15_000;
/** A cluster is planned for no more often: what its nodes say meanwhile goes into one plan. */
const planEveryMs = 1_000;

/** Setting the clock makes no node late, and proves no wave. Windows and freezes are about the clock that is set. */
const nowMs = (): number => steadyTimeMs();

const noPrometheus = (): LockstepError => {
  const message = 'This control plane knows of no Prometheus that gates could ask: set LOCKSTEP_PROMETHEUS_URL.';
  return new LockstepError('refused', 'no-prometheus', message);
};

export interface RolloutExecutorParts {
  readonly db: Pick<Database, 'rollouts' | 'schedules' | 'builds'>;
  readonly logs: KnownLogs;
  readonly nodes: Pick<KnownNodes, 'list' | 'size'>;
  readonly sessions: AgentSessions;
  readonly replica: Replica;
  readonly changes: ChangeNotifier;
  readonly traces: TraceMemory;
  readonly log: Logger;
  readonly returnGraceMs?: number;
  /** Asks Prometheus; undefined: none is known. */
  readonly askMetrics?: AskMetrics | undefined;
  /** How often gates are asked while a wave proves itself. */
  readonly gateEveryMs?: number;
}

/** How a rollout is begun. */
export interface Beginning {
  readonly call?: KeptCall<RolloutRecord> | undefined;
  /** Hash of the plan that it must be. */
  readonly shownAs?: string | undefined;
  /** Those of the same load order that may end for it, where they have not; absent: none. */
  readonly supersedes?: 'any' | readonly string[] | undefined;
  /** That it is a part of: it begins paused, and waits for its turn. */
  readonly campaign?: NewRollout['campaign'];
}

/** The first plan of a rollout that has not begun. */
export interface PreparedRollout {
  readonly plan: RolloutPlan;
  readonly preview: RolloutPreview;
  /** What windows and freezes allow. */
  readonly gates: readonly PlannedGate[];
  readonly end: EstimatedEnd;
}

/**
 * Gathers, lets the planner decide, obeys: stores each plan, then sends its moves. Killed at any instant it has either
 * stored a plan, whose moves the next start sends, or nothing has happened.
 */
export class RolloutExecutor {
  private readonly reconciler = new Reconciler((cluster) => this.advanceCluster(cluster as ClusterName), planEveryMs);
  private readonly inForce: RolloutsInForce;
  private readonly schedules: KnownSchedules;
  private readonly shown = new ShownPlans();
  private readonly probes: ProbeDispatch;
  private readonly gates: GateWatch;
  private readonly signers: ModuleSigners;
  private readonly looks: Looks;
  private readonly quiet = new QuietLooks();
  /** Who is still to come back after a start. */
  readonly returns: FleetReturn;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly parts: RolloutExecutorParts) {
    this.inForce = new RolloutsInForce(parts.db.rollouts);
    this.looks = new Looks(parts);
    this.returns = new FleetReturn(parts);
    this.schedules = new KnownSchedules(parts.db.schedules);
    this.probes = new ProbeDispatch(parts.sessions);
    this.signers = new ModuleSigners(parts.db);
    this.gates = new GateWatch({
      ask: parts.askMetrics ?? (() => Promise.reject(noPrometheus())),
      everyMs: parts.gateEveryMs,
      nowMs,
      onNews: (cluster) => {
        this.wake(cluster);
      },
    });
  }

  async start(nowMs: number): Promise<void> {
    const settleMs = this.returns.start(nowMs);
    await this.inForce.start();
    this.timer = setInterval(() => {
      this.wakeAll();
      const all = [...this.inForce.all().values()].flat();
      this.looks.keep(all);
      this.quiet.keepOnly(new Set(all.map(({ id }) => id)));
    }, reconcileEveryMs);
    // Just after the time that nodes get to return in.
    setTimeout(this.wakeAll.bind(this), settleMs + 1).unref();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    this.gates.stop();
    await this.reconciler.stop();
  }

  /** One that is worked on, in the newest words; undefined of one that is history. */
  find(id: string): RolloutRecord | undefined {
    return this.inForce.find(id);
  }

  /** Without asking the database: of each cluster those that are worked on. */
  inForceNow(): ReadonlyMap<ClusterName, readonly RolloutRecord[]> {
    return this.inForce.all();
  }

  /** Something changed in this cluster: a report, a node that came or went, a rollout. */
  wake(cluster: ClusterName): void {
    if (this.stopped) return;
    this.reconciler.request(cluster).catch((err: unknown) => {
      this.parts.log.error({ err, cluster }, 'could not look at rollouts');
    });
  }

  /** A window or a freeze came or went. */
  noticeSchedule(): void {
    this.schedules.readAgain();
    this.wakeAll();
  }

  /** A node went: reconcile now, and again when it has had its time to return. */
  noticeDeparture(cluster: ClusterName, lostAfterMs: number): void {
    this.wake(cluster);
    setTimeout(() => {
      this.wake(cluster);
    }, lostAfterMs + 1).unref();
  }

  /**
   * What would happen if it began now: ships nothing. @throws LockstepError as `begin`.
   * @param entries of the load order, where some are only thought of
   */
  async preview(
    cluster: ClusterName,
    policy: RolloutPolicy,
    entries?: readonly LogEntry[],
  ): Promise<PreparedRollout & { readonly hash: string }> {
    const prepared = await this.prepare(cluster, policy, entries);
    return { ...prepared, hash: this.shown.remember({ cluster, preview: prepared.preview }) };
  }

  /** The policy of what was shown here; undefined of what was not: whoever asks for the same has it by its hash too. */
  shownPolicy(cluster: ClusterName, hash: string): RolloutPolicy | undefined {
    return this.shown.find(cluster, hash)?.preview.policy;
  }

  /** For who does something before it begins. @throws LockstepError what `begin` would. @param entries as in `preview` */
  async insistCanBegin(
    cluster: ClusterName,
    policy: RolloutPolicy,
    { shownAs, supersedes = [] }: Beginning,
    entries: readonly LogEntry[],
  ): Promise<void> {
    const { preview } = await this.prepare(cluster, policy, entries);
    if (shownAs !== undefined) this.shown.expectSame(shownAs, { cluster, preview });
    if (supersedes === 'any') return;
    const running = (await this.inForce.of(cluster)).find(
      ({ id, status, policy: its }) =>
        (status === 'running' || status === 'paused') &&
        its.kernelBuild === policy.kernelBuild &&
        !supersedes.includes(id),
    );
    if (running === undefined) return;
    const refusal = { reason: 'rollout-running', running } as const;
    const fields = { cluster, rollout: running.id };
    throw new LockstepError('refused', refusal.reason, explainRolloutRefusal(refusal, policy), fields);
  }

  /**
   * @throws LockstepError `refused` with the planner's reason, `plan-changed`, `rollout-running`; `not-found` `unknown-plan`;
   * `unavailable` `fleet-returning` just after a start.
   */
  async begin(cluster: ClusterName, policy: RolloutPolicy, how: Beginning = {}): Promise<RolloutRecord> {
    const { db } = this.parts;
    const { call, shownAs, supersedes = [], campaign } = how;
    const { plan, preview } = await this.prepare(cluster, policy, undefined, campaign?.pause);
    if (shownAs !== undefined) this.shown.expectSame(shownAs, { cluster, preview });
    const superseded = (await this.inForce.of(cluster)).filter((r) => r.policy.kernelBuild === policy.kernelBuild);
    try {
      const rollout = await db.rollouts.start({ cluster, policy, plan, supersedes, campaign }, call);
      this.parts.traces.note(`rollout ${rollout.id}`);
      if (this.parts.replica.leads()) this.looks.note(rollout.id, nowMs());
      return rollout;
    } finally {
      this.inForce.readAgain(cluster);
      for (const { id } of superseded) this.parts.changes.notify(`rollout:${id}`);
      this.parts.replica.announce({ kind: 'rollouts', cluster });
      this.wake(cluster);
    }
  }

  private async prepare(
    cluster: ClusterName,
    policy: RolloutPolicy,
    thoughtOf?: readonly LogEntry[],
    order?: RolloutOrder,
  ): Promise<PreparedRollout> {
    const { db, nodes, logs, sessions } = this.parts;
    if (policy.gates.length > 0 && this.parts.askMetrics === undefined) throw noPrometheus();
    const log: LogName = { cluster, kernelBuild: policy.kernelBuild };
    const lookedAtMs = performance.now();
    this.returns.requireSettled(cluster, lookedAtMs);
    logs.noteGrowth(log);
    const inventory = gatherInventory(nodes, sessions, cluster, lookedAtMs);
    const entries = thoughtOf ?? (await logs.entries(log));
    const head = parseSeq(entries.length);
    const refusal = refuseRollout(policy, { head, furthest: await db.rollouts.furthest(log), inventory });
    if (refusal !== undefined) {
      const kind = refusal.reason === 'invalid-policy' ? 'invalid-input' : 'refused';
      throw new LockstepError(kind, refusal.reason, explainRolloutRefusal(refusal, policy), { ...log });
    }
    const members = inventory.filter(({ kernelBuild }) => kernelBuild === policy.kernelBuild);
    const positions = members.map(({ report }) => report?.position ?? seqZero);
    const caveats = planCaveats(entries, positions.length > 0 ? positions : [seqZero], policy.toSeq);
    const loads = await this.loadsOf(entries, policy, inventory);
    await this.schedules.refresh();
    const schedule = await this.schedules.of(cluster);
    const plan = await this.decide(cluster, { policy, parent: null, inventory, schedule, caveats, loads, order }, head);
    const clockMs = Date.now();
    const gates = plannedGates(members, schedule, clockMs);
    const labels = new Map(members.map((member) => [member.node, member.labels]));
    const tookMs = tookBefore((await this.inForce.of(cluster)).filter((other) => isOfOrder(other, policy)));
    const end = estimateEnd({ policy, plan, schedule, labels, clockMs, tookMs });
    return { plan, preview: previewRollout(policy, plan, entries, schedule), gates, end };
  }

  /**
   * An operator's word: it is stored with the plan that it leads to and who gave it, or nothing is.
   * @throws LockstepError `refused` where it makes no sense to the rollout as it is, or where that is history.
   */
  async order(id: string, order: RolloutOrder, by: string, call?: KeptCall<RolloutRecord>): Promise<RolloutRecord> {
    const { db, replica, changes } = this.parts;
    const { cluster } = await db.rollouts.require(id);
    if (!replica.isAlone) this.inForce.readAgain(cluster);
    for (;;) {
      const known = (await this.inForce.of(cluster)).find((each) => each.id === id);
      if (known === undefined) {
        const message = `Rollout ${id} is history: a later one took its place, \`lockstep rollout ls\` names it.`;
        throw new LockstepError('refused', 'rollout-superseded', message, { rollout: id });
      }
      const lookedAtMs = nowMs();
      const rollout = this.looks.underOrder(known, lookedAtMs);
      const refusal = refuseOrder(order, rollout.plan, lookedAtMs);
      if (refusal !== undefined) {
        throw new LockstepError('refused', refusal.reason, explainOrderRefusal(refusal, order, id), { rollout: id });
      }
      const plan = await this.nextPlan(rollout, order);
      const ordered = await db.rollouts.order(id, order, by, plan, call);
      this.inForce.readAgain(cluster);
      if (ordered === undefined) continue;
      if (replica.leads()) this.looks.note(id, lookedAtMs);
      changes.notify(`rollout:${id}`);
      replica.announce({ kind: 'rollouts', cluster });
      this.wake(cluster);
      return ordered;
    }
  }

  /** Somebody has confirmed an emergency. */
  noticeConfirmed({ id, cluster }: RolloutRecord): void {
    this.inForce.readAgain(cluster);
    this.parts.changes.notify(`rollout:${id}`);
    this.parts.replica.announce({ kind: 'rollouts', cluster });
    this.wake(cluster);
  }

  /** Another control plane has begun a rollout there, or stored a plan. */
  readAgain(cluster: ClusterName): void {
    for (const id of this.inForce.idsIn(cluster)) this.parts.changes.notify(`rollout:${id}`);
    this.inForce.readAgain(cluster);
    this.wake(cluster);
  }

  /** What another one has decided is read before anything follows from it, and when that had looked last. */
  takeOver(): void {
    this.looks.forget();
    for (const cluster of this.inForce.clusters()) this.inForce.readAgain(cluster);
    this.wakeAll();
  }

  wakeAll(): void {
    if (this.isWaiting()) this.schedules.readAgain();
    for (const cluster of this.inForce.clusters()) this.wake(cluster);
  }

  private async advanceCluster(cluster: ClusterName): Promise<void> {
    try {
      if (this.stopped || !this.returns.hasSettled(cluster, performance.now())) return;
      let failure: unknown;
      for (const rollout of await this.inForce.of(cluster)) {
        // One that cannot be planned keeps no other one from it.
        await this.advance(rollout).catch((error: unknown) => {
          failure ??= error;
        });
      }
      const rollouts = await this.inForce.of(cluster);
      this.probes.tell(cluster, rollouts);
      this.gates.follow(cluster, this.parts.replica.leads() ? rollouts : []);
      if (failure !== undefined) throw failure as Error;
    } catch (err) {
      // Whether a plan was stored is not known.
      this.inForce.readAgain(cluster);
      this.parts.log.error({ err, cluster }, 'cannot advance rollouts now');
    }
  }

  private async advance(known: RolloutRecord): Promise<void> {
    const { db, sessions, replica, changes, traces, log } = this.parts;
    const lookedAtMs = nowMs();
    const rollout = await this.looks.continued(known, lookedAtMs);
    if (rollout !== known) this.inForce.replace(known, rollout.plan);
    const { id, cluster, policy, plan: parent } = rollout;
    const loadOrder: LogName = { cluster, kernelBuild: policy.kernelBuild };
    const plan = await this.nextPlan(rollout);
    if (plan !== parent) {
      if (plan.generation !== parent.generation) {
        // Whoever leads decides it from the same facts, and says so.
        if (!replica.leads()) return;
        if (!(await db.rollouts.advance(id, plan, replica.fence()))) {
          this.inForce.readAgain(cluster);
          this.wake(cluster);
          return;
        }
        const { generation, status, moves } = plan;
        log.info({ rollout: id, generation, status, moves: moves.length }, 'planned');
        replica.announce({ kind: 'rollouts', cluster });
      }
      this.inForce.replace(rollout, plan);
      changes.notify(`rollout:${id}`);
    }
    if (replica.leads()) this.looks.note(id, lookedAtMs);
    this.wakeAt(cluster, plan.waiting);
    const trace = traces.find(`rollout ${id}`);
    await inTurns(plan.moves, ({ node, toSeq }) => sessions.findIn(loadOrder, node)?.moveTo(toSeq, trace));
  }

  /** What is waited for until then is looked at then; what is further away, by the next look at all rollouts. */
  private wakeAt(cluster: ClusterName, waiting: RolloutPlan['waiting']): void {
    const waitMs = (waiting?.untilMs ?? Infinity) - (waiting?.reason === 'window' ? Date.now() : nowMs());
    if (waitMs > reconcileEveryMs) return;
    setTimeout(
      () => {
        this.wake(cluster);
      },
      Math.max(planEveryMs, waitMs + 1),
    ).unref();
  }

  /** Another process may have let a window go, or ended a freeze: what waits is looked at anew. */
  private isWaiting(): boolean {
    return [...this.inForce.all().values()].some((all) => all.some(({ plan }) => plan.status === 'running'));
  }

  /** What is to be stored is decided by windows and freezes as they are stored, whoever has changed them. */
  private async nextPlan(rollout: RolloutRecord, order?: RolloutOrder): Promise<RolloutPlan> {
    const { edition } = this.schedules;
    const plan = await this.planOf(rollout, order);
    if (plan.generation === rollout.plan.generation) return plan;
    await this.schedules.refresh();
    return this.schedules.edition === edition ? plan : this.planOf(rollout, order);
  }

  /** The plan that follows from what is known now, and from what an operator says. */
  private async planOf(rollout: RolloutRecord, order?: RolloutOrder): Promise<RolloutPlan> {
    const { nodes, logs, sessions } = this.parts;
    const { cluster, policy, plan: parent } = rollout;
    const lookedAtMs = performance.now();
    const gathered = gatherInventory(nodes, sessions, cluster, lookedAtMs);
    const inventory = this.returns.hasSettled(cluster, lookedAtMs) ? gathered : withThoseThatReturn(gathered, parent);
    const entries = await logs.entries({ cluster, kernelBuild: policy.kernelBuild });
    const head = parseSeq(entries.length);
    const retired = head > policy.toSeq ? await this.retiredOf(rollout, entries) : [];
    const looked = { inventory, head, retired };
    if (order === undefined && this.quiet.isQuiet(rollout, looked)) return parent;
    // Few nodes tell of obstacles.
    const isClear = inventory.every(({ report }) => report?.obstacles === undefined);
    const loads = isClear ? undefined : await this.loadsOf(entries, policy, inventory);
    const schedule = await this.schedules.of(cluster);
    const asked = {
      measures: this.gates.measures(rollout.id),
      gatesAskedSinceMs: this.gates.askedSinceMs(rollout.id),
    };
    const known = { policy, parent, inventory, schedule, loads, retired, order, ...asked };
    const plan = await this.decide(cluster, known, head);
    if (order === undefined) this.quiet.note(rollout, looked, plan);
    return plan;
  }

  private async loadsOf(
    entries: readonly LogEntry[],
    { toSeq }: RolloutPolicy,
    inventory: readonly NodeFacts[],
  ): Promise<PlannedLoad[]> {
    const isAsked = inventory.some(({ report }) =>
      report?.obstacles?.some(({ kind }) => kind === 'signature-enforced'),
    );
    if (!isAsked) return plannedLoads(entries, toSeq);
    const modules = stackAt(entries, toSeq).map(({ body }) => body.artifact.sha256);
    return plannedLoads(entries, toSeq, await this.signers.of(modules));
  }

  /** Of a success, what others take back: until somebody does, who comes late becomes as all others are. */
  private async retiredOf({ id, cluster, policy, plan }: RolloutRecord, entries: readonly LogEntry[]) {
    const retired = retiredLoads(entries, policy.toSeq);
    if (plan.status !== 'succeeded' || retired.length === 0) return retired;
    const others = (await this.inForce.of(cluster)).filter((other) => other.id !== id);
    const ofSameOrder = others.filter((other) => other.policy.kernelBuild === policy.kernelBuild);
    return takenBack(
      retired,
      ofSameOrder.map((other) => other.plan),
    );
  }

  /** No plan goes out that its lints find fault with: who is to blame for one is held out, and named. */
  private async decide(
    cluster: ClusterName,
    known: Omit<PlanRequest, 'nowMs' | 'clockMs'>,
    head: Seq,
  ): Promise<RolloutPlan> {
    const { policy } = known;
    const digest = (text: string): string => agreementHash({ cluster, kernelBuild: policy.kernelBuild }, text);
    const request = { ...known, digest, nowMs: nowMs(), clockMs: Date.now() };
    const { plan, faults } = await betweenTurns(planningWithoutFaults(request, head));
    // Said once for each plan that comes of it, not at each look.
    if (faults.length > 0 && plan !== request.parent) {
      this.parts.log.error({ cluster, faults }, 'nodes whose facts are impossible are held out');
    }
    return plan;
  }
}
