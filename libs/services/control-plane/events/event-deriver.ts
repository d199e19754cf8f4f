// SPDX-License-Identifier: GPL-2.0-only
import { campaignEvents, rolloutEvents, type FleetEvent, type ShownRollout } from '@lockstep/domain/fleet-events';
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { BuildRecord, Database, RolloutRecord } from '@lockstep/io/database';
import type { Logger } from 'pino';
import type { ChangeNotifier, Topic } from '../change-notifier';
import { Reconciler } from '../reconciler';
import type { Replica } from '../replicas/replica';
import type { RolloutExecutor } from '../rollouts/rollout-executor';
import type { EventLog } from './event-log';
import type { NodeWatch } from './node-watch';

/** What happened before is told of no more: it was, or nobody wants to know it now. */
const dayMs = 24 * 3_600_000;
/** What changes again and again is looked at no more often. */
const lookEveryMs = 1_000;
/** What could not be told is told then. */
const tryAgainMs = 5_000;
const forgetEveryMs = 3_600_000;
/** At a start, of rollouts and of builds: the newest, or those of the day. */
const mostLookedAt = 1_000;
const firstRowId = '00000000-0000-0000-0000-000000000000';

const statusOf: Readonly<Record<RolloutRecord['status'], ShownRollout['status']>> = {
  running: 'running',
  succeeded: 'succeeded',
  halted: 'halted',
  superseded: 'superseded',
  paused: 'paused',
  aborted: 'aborted',
};

const shownOf = ({ id, cluster, policy, status, plan, confirmation }: RolloutRecord): ShownRollout => ({
  ...{ id, cluster, toSeq: policy.toSeq, status: statusOf[status], generation: plan.generation },
  awaits:
    plan.waiting?.reason === 'approval' && plan.approvals !== undefined && status === 'running'
      ? { needed: plan.approvals.needed, planHash: plan.approvals.hash }
      : undefined,
  breakGlass: policy.breakGlass && { ...policy.breakGlass, confirmedBy: confirmation?.by },
  nodes: plan.nodes.map(({ node, wave, released, notYet }) => ({ node, wave, released, notYet: notYet?.reason })),
});

const failedBuild = ({ id, generation, patchName, kernelBuild, failure }: BuildRecord): FleetEvent => ({
  key: `build ${id} ${generation} failed`,
  ...{ type: 'build.failed', cluster: null, subject: patchName },
  message: `The build of ${patchName} for ${kernelBuild.slice(0, 12)} failed: ${failure?.reason ?? ''}.`,
  data: { build: id, patch: patchName, kernelBuild, reason: failure?.reason ?? '', message: failure?.message ?? '' },
});

export interface EventDeriverParts {
  readonly db: Pick<Database, 'events' | 'rollouts' | 'builds' | 'campaigns'>;
  readonly rollouts: Pick<RolloutExecutor, 'find'>;
  readonly replica: Pick<Replica, 'leads' | 'fence'>;
  readonly changes: ChangeNotifier;
  readonly events: EventLog;
  readonly nodes: NodeWatch;
  readonly log: Logger;
}

/**
 * Tells what happened from what is stored: whoever decides something need not think of it, and what was decided just
 * before the process was killed is told by the next one. Each event has a key, so what is told again is told once.
 * Of several control planes the one that leads tells.
 */
export class EventDeriver {
  private readonly reconciler = new Reconciler((what) => this.derive(what), lookEveryMs);
  private readonly heard = new Set<NodeName>();
  /** Rollouts that were planned for, or told something, since they were looked at. */
  private readonly planned = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly parts: EventDeriverParts) {}

  async start(nowMs: number): Promise<void> {
    const { db, changes, replica } = this.parts;
    changes.listen((topic) => {
      this.noticeTopic(topic);
    });
    this.timer = setInterval(() => {
      if (replica.leads()) db.events.forgetOld().catch(this.complain);
    }, forgetEveryMs);
    if (replica.leads()) await this.catchUp(nowMs);
  }

  /** It leads from now on. @param connected nodes: what they have reported may not have been told. */
  takeOver(connected: readonly NodeName[]): void {
    this.catchUp(Date.now()).then(
      () => {
        for (const name of connected) this.noticeNode(name);
      },
      (error: unknown) => {
        this.complain(error);
        setTimeout(() => {
          if (!this.stopped && this.parts.replica.leads()) this.takeOver(connected);
        }, tryAgainMs).unref();
      },
    );
  }

  private async catchUp(nowMs: number): Promise<void> {
    const { db, nodes } = this.parts;
    await nodes.start();
    for (const { id, endedAt } of await db.rollouts.page({ after: undefined, limit: mostLookedAt })) {
      if (endedAt === null || endedAt.getTime() > nowMs - dayMs) this.request(`rollout:${id}`);
    }
    for (const { id, endedAt } of await db.campaigns.page({ after: undefined, limit: mostLookedAt })) {
      if (endedAt === null || endedAt.getTime() > nowMs - dayMs) this.request(`campaign:${id}`);
    }
    const since = { at: new Date(nowMs - dayMs), id: firstRowId };
    for (const { id } of await db.builds.page({ after: since, limit: mostLookedAt }, { status: 'failed' })) {
      this.request(`build:${id}`);
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.reconciler.stop();
  }

  /** It has reported something new. */
  noticeNode(name: NodeName): void {
    if (!this.parts.replica.leads()) return;
    this.heard.add(name);
    this.request('nodes');
  }

  private noticeTopic(topic: Topic): void {
    if (!this.parts.replica.leads()) return;
    if (topic.startsWith('rollout:')) this.planned.add(topic);
    if (['rollout:', 'build:', 'campaign:'].some((kind) => topic.startsWith(kind))) this.request(topic);
  }

  private request(what: string): void {
    if (this.stopped || !this.parts.replica.leads()) return;
    this.reconciler.request(what).catch((error: unknown) => {
      this.complain(error);
      setTimeout(() => {
        this.request(what);
      }, tryAgainMs).unref();
    });
  }

  private readonly complain = (err: unknown): void => {
    this.parts.log.warn({ err }, 'cannot tell what happened now');
  };

  private async derive(what: string): Promise<void> {
    const [kind, id = ''] = what.split(':');
    if (kind === 'rollout') await this.derivePlanned(what, id);
    else if (kind === 'build') await this.deriveBuild(id);
    else if (kind === 'campaign') await this.deriveCampaign(id);
    else await this.deriveNodes();
  }

  /** What could not be told is told later, and as one that was planned for. */
  private async derivePlanned(topic: string, id: string): Promise<void> {
    const isPlannedNow = this.planned.delete(topic);
    try {
      await this.deriveRollout(id, isPlannedNow);
    } catch (error) {
      if (isPlannedNow) this.planned.add(topic);
      throw error;
    }
  }

  private async deriveRollout(id: string, isPlannedNow: boolean): Promise<void> {
    const { db, rollouts, events, nodes, replica } = this.parts;
    const rollout = rollouts.find(id) ?? (await db.rollouts.require(id));
    const shown = shownOf(rollout);
    const hasEnded = rollout.endedAt !== null;
    // What was told of one that ended long ago may be forgotten: nobody is told of it again.
    if (!hasEnded || rollout.endedAt.getTime() > Date.now() - dayMs) {
      const before = await db.events.toldOf(id);
      const told = new Set(before.map(({ key }) => key));
      const types = before.map(({ type }) => type);
      // Each one that is tried takes a seq, also where it is there already.
      const untold = rolloutEvents(shown, types).filter(({ key }) => !told.has(key));
      await events.record(untold, replica.fence());
    }
    // A plan from before the start knows nothing of who has come back since.
    if (!isPlannedNow || (hasEnded && shown.status !== 'halted')) return;
    await nodes.lose(shown.nodes.filter(({ notYet }) => notYet === 'lost').map(({ node }) => node));
  }

  private async deriveCampaign(id: string): Promise<void> {
    const { db, events, replica } = this.parts;
    const campaign = await db.campaigns.require(id);
    if (campaign.endedAt !== null && campaign.endedAt.getTime() < Date.now() - dayMs) return;
    const before = await db.events.toldOf(id);
    const told = new Set(before.map(({ key }) => key));
    const shown = { ...campaign, members: campaign.members.length };
    const types = before.map(({ type }) => type);
    await events.record(
      campaignEvents(shown, types).filter(({ key }) => !told.has(key)),
      replica.fence(),
    );
  }

  private async deriveBuild(id: string): Promise<void> {
    const { db, events, replica } = this.parts;
    const build = await db.builds.find(id);
    if (build !== null && build.failure !== null) await events.record([failedBuild(build)], replica.fence());
  }

  private async deriveNodes(): Promise<void> {
    const names = [...this.heard];
    this.heard.clear();
    try {
      await this.parts.nodes.look(names);
    } catch (error) {
      for (const name of names) this.heard.add(name);
      throw error;
    }
  }
}
