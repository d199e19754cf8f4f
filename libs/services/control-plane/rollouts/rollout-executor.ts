// SPDX-License-Identifier: GPL-2.0-only
import { planWithoutFaults } from '@lockstep/domain/plan-checks';
import { LockstepError, parseSeq, seqZero, type ClusterName, type Seq } from '@lockstep/domain/livepatch-model';
import type { LogName } from '@lockstep/domain/load-order';
import {
  explainRolloutRefusal,
  planCaveats,
  plannedLoads,
  type NodeFacts,
  type PlannedLoad,
  refuseRollout,
  type PlanRequest,
  type RolloutPlan,
  type RolloutPolicy,
} from '@lockstep/domain/rollout-planner';
import type { Database, KeptCall, RolloutRecord } from '@lockstep/io/database';
import type { Logger } from 'pino';
import { returnGraceMs, type AgentSessions } from '../agents/agent-sessions';
import type { ChangeNotifier } from '../change-notifier';
import { Reconciler } from '../reconciler';
import { gatherInventory } from './gather';

/** Every rollout in force is reconciled this often even if nothing is said to have changed. */
const reconcileEveryMs = 5_000;

export interface RolloutExecutorParts {
  readonly db: Pick<Database, 'nodes' | 'loadOrders' | 'rollouts'>;
  readonly sessions: AgentSessions;
  readonly changes: ChangeNotifier;
  readonly log: Logger;
}

/**
 * Gathers, lets the planner decide, obeys: stores each plan, then sends its moves. Killed at any instant it has either
 * stored a plan, whose moves the next start sends, or nothing has happened.
 */
export class RolloutExecutor {
  private readonly reconciler = new Reconciler((cluster) => this.advanceCluster(cluster as ClusterName));
  private timer: NodeJS.Timeout | undefined;
  private startedAtMs = 0;
  private settled = false;
  private stopped = false;

  constructor(private readonly parts: RolloutExecutorParts) {}

  start(nowMs: number): void {
    this.startedAtMs = nowMs;
    this.timer = setInterval(this.wakeAll.bind(this), reconcileEveryMs);
    // Just after the time that nodes get to return in.
    setTimeout(this.wakeAll.bind(this), returnGraceMs + 1).unref();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.reconciler.idle();
  }

  /** Something changed in this cluster: a report, a node that came or went, a rollout. */
  wake(cluster: ClusterName): void {
    if (this.stopped) return;
    this.reconciler.request(cluster).catch((err: unknown) => {
      this.parts.log.error({ err, cluster }, 'could not look at rollouts');
    });
  }

  /** A node went: reconcile now, and again when it has had its time to return. */
  noticeDeparture(cluster: ClusterName): void {
    this.wake(cluster);
    setTimeout(() => {
      this.wake(cluster);
    }, returnGraceMs + 1).unref();
  }

  /** @throws LockstepError `refused` with the planner's reason. */
  async begin(cluster: ClusterName, policy: RolloutPolicy, call?: KeptCall<RolloutRecord>): Promise<RolloutRecord> {
    const { db, sessions } = this.parts;
    const log: LogName = { cluster, kernelBuild: policy.kernelBuild };
    const inventory = await gatherInventory(db, sessions, cluster, performance.now());
    const entries = await db.loadOrders.entries(log);
    const head = parseSeq(entries.length);
    const refusal = refuseRollout(policy, { head, furthest: await db.rollouts.furthest(log), inventory });
    if (refusal !== undefined) {
      const kind = refusal.reason === 'invalid-policy' ? 'invalid-input' : 'refused';
      throw new LockstepError(kind, refusal.reason, explainRolloutRefusal(refusal, policy), { ...log });
    }
    const members = inventory.filter(({ kernelBuild }) => kernelBuild === policy.kernelBuild);
    const positions = members.map(({ report }) => report?.position ?? seqZero);
    const caveats = planCaveats(entries, positions.length > 0 ? positions : [seqZero], policy.toSeq);
    const loads = plannedLoads(entries, policy.toSeq);
    const plan = this.decide(cluster, { policy, parent: null, inventory, caveats, loads }, head);
    const superseded = (await db.rollouts.inForce(cluster)).filter((r) => r.policy.kernelBuild === policy.kernelBuild);
    const rollout = await db.rollouts.start({ cluster, policy, plan }, call);
    for (const { id } of superseded) this.parts.changes.notify(`rollout:${id}`);
    this.wake(cluster);
    return rollout;
  }

  private wakeAll(): void {
    if (this.stopped) return;
    const { db, log } = this.parts;
    db.rollouts.inForce().then(
      (rollouts) => {
        for (const { cluster } of rollouts) this.wake(cluster);
      },
      (err: unknown) => {
        log.warn({ err }, 'cannot look at rollouts now');
      },
    );
  }

  private async advanceCluster(cluster: ClusterName): Promise<void> {
    try {
      if (this.stopped || !(await this.hasSettled(cluster))) return;
      for (const rollout of await this.parts.db.rollouts.inForce(cluster)) await this.advance(rollout);
    } catch (err) {
      this.parts.log.error({ err, cluster }, 'cannot advance rollouts now');
    }
  }

  /** After a start nodes get the time to return before any of them counts as lost. */
  private async hasSettled(cluster: ClusterName): Promise<boolean> {
    if (this.settled) return true;
    if (performance.now() - this.startedAtMs >= returnGraceMs) {
      this.settled = true;
      return true;
    }
    const nodes = await this.parts.db.nodes.list(cluster);
    return nodes.every(({ name, lastSeenAt }) => lastSeenAt === null || this.parts.sessions.isConnected(name));
  }

  private async advance(rollout: RolloutRecord): Promise<void> {
    const { db, sessions, changes, log } = this.parts;
    const { id, cluster, policy, plan: parent } = rollout;
    const order: LogName = { cluster, kernelBuild: policy.kernelBuild };
    const inventory = await gatherInventory(db, sessions, cluster, performance.now());
    const head = await db.loadOrders.head(order);
    const loads = await this.loadsFor(rollout, inventory);
    const plan = this.decide(cluster, { policy, parent, inventory, loads }, head);
    if (plan !== parent) {
      if (!(await db.rollouts.advance(id, plan))) {
        this.wakeLater(cluster);
        return;
      }
      log.info({ rollout: id, generation: plan.generation, status: plan.status, moves: plan.moves }, 'planned');
      changes.notify(`rollout:${id}`);
    }
    for (const { node, toSeq } of plan.moves) sessions.findIn(order, node)?.moveTo(toSeq);
  }

  /** Read only where a node tells of obstacles, which few do. */
  private async loadsFor(
    { cluster, policy }: RolloutRecord,
    inventory: readonly NodeFacts[],
  ): Promise<readonly PlannedLoad[] | undefined> {
    if (inventory.every(({ report }) => report?.obstacles === undefined)) return undefined;
    const entries = await this.parts.db.loadOrders.entries({ cluster, kernelBuild: policy.kernelBuild });
    return plannedLoads(entries, policy.toSeq);
  }

  /** Another plan was stored meanwhile: gather and plan again. */
  private wakeLater(cluster: ClusterName): void {
    setImmediate(() => {
      this.wake(cluster);
    });
  }

  /** No plan goes out that its lints find fault with: who is to blame for one is held out, and named. */
  private decide(cluster: ClusterName, request: PlanRequest, head: Seq): RolloutPlan {
    const { plan, faults } = planWithoutFaults(request, head);
    // Said once for each plan that comes of it, not at each look.
    if (faults.length > 0 && plan !== request.parent) {
      this.parts.log.error({ cluster, faults }, 'nodes whose facts are impossible are held out');
    }
    return plan;
  }
}
