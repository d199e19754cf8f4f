// SPDX-License-Identifier: GPL-2.0-only
import { Priority } from '@lockstep/contracts/generated';
import { campaignState, nextSteps, type CampaignStep } from '@lockstep/domain/campaign';
import { LockstepError, seqZero } from '@lockstep/domain/livepatch-model';
import type { CampaignRecord } from '@lockstep/io/database';
import type { Topic } from '../change-notifier';
import { Reconciler } from '../reconciler';
import { builtFor } from '../routes/choose-build';
import { orderPatch, type PatchOrderer } from '../routes/append-load';
import { rulesOfMember } from '../routes/asked-canaries';
import { memberTarget } from '../routes/plan-campaign';
import { queueBuilds, type BuildQueuer } from '../routes/queue-builds';
import type { Uses } from '../services';
import { byCampaign, campaignDigest, gatherCampaign, type CampaignGatherer } from './gather-campaign';

/** Each campaign that has not ended is looked at this often even if nothing is said to have changed. */
const lookAgainMs = 15_000;
/** And no more often than this. */
const lookEveryMs = 500;

/** What the executor needs. */
export type CampaignExecutorUses = Uses<
  | CampaignGatherer
  | PatchOrderer
  | BuildQueuer
  | 'db.campaigns'
  | 'db.clusters'
  | 'db.loadOrders'
  | 'nodes'
  | 'changes'
  | 'replica'
  | 'log'
>;

/**
 * Gathers, lets the domain say what follows, obeys. Killed at any instant it has done a step or has not: what was done is
 * found again in builds, entries and rollouts, and nothing of it is kept twice.
 */
export class CampaignExecutor {
  private readonly reconciler = new Reconciler((id) => this.advance(id), lookEveryMs);
  private unended = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly services: CampaignExecutorUses) {}

  async start(): Promise<void> {
    this.services.changes.listen((topic) => {
      this.hear(topic);
    });
    await this.lookAgain();
    this.timer = setInterval(() => {
      this.lookAgain().catch((err: unknown) => {
        this.services.log.warn({ err }, 'cannot look at campaigns now');
      });
    }, lookAgainMs);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.reconciler.stop();
  }

  /** Another control plane may have begun some. */
  private async lookAgain(): Promise<void> {
    this.unended = new Set([...(await this.services.db.campaigns.unended())]);
    this.wakeAll();
  }

  private hear(topic: Topic): void {
    if (topic.startsWith('campaign:')) {
      const id = topic.slice('campaign:'.length);
      this.unended.add(id);
      this.wake(id);
    } else if (topic.startsWith('rollout:') || topic.startsWith('build:')) this.wakeAll();
  }

  private wakeAll(): void {
    for (const id of this.unended) this.wake(id);
  }

  private wake(id: string): void {
    if (this.stopped || !this.services.replica.leads()) return;
    this.reconciler.request(id).catch((err: unknown) => {
      this.services.log.error({ err, campaign: id }, 'cannot advance a campaign now');
    });
  }

  private async advance(id: string): Promise<void> {
    const { db, changes, log } = this.services;
    const campaign = await db.campaigns.require(id);
    if (campaign.endedAt !== null) {
      this.unended.delete(id);
      return;
    }
    const { facts } = await gatherCampaign(this.services, campaign);
    const steps = nextSteps(facts, campaignDigest);
    let done = 0;
    for (const step of steps) if (await this.obey(campaign, step)) done += 1;
    const state = campaignState(facts);
    const hasEnded = steps.length === 0 && (state === 'succeeded' || state === 'aborted');
    if (state !== campaign.state || hasEnded) {
      await db.campaigns.noteState(id, state, hasEnded);
      log.info({ campaign: id, state }, 'campaign');
    }
    if (hasEnded) this.unended.delete(id);
    // Whoever watches it looks, and so does this, with what has become of the steps. What was refused waits for news.
    if (done > 0 || state !== campaign.state) changes.notify(`campaign:${id}`);
  }

  /**
   * What is refused is a fact of its member; what cannot be done now is done at another look.
   * @returns whether anything has changed by it
   */
  private async obey(campaign: CampaignRecord, step: CampaignStep): Promise<boolean> {
    const { db, replica, log } = this.services;
    try {
      await this.perform(campaign, step);
      return true;
    } catch (error) {
      if (!(error instanceof LockstepError) || error.kind === 'unavailable') {
        log.warn({ err: error, campaign: campaign.id, step: step.kind }, 'cannot do a step of a campaign now');
        return false;
      }
      const { reason, message } = error;
      log.info({ campaign: campaign.id, step: step.kind, reason }, 'a step of a campaign was refused');
      if (step.kind !== 'append' && step.kind !== 'begin') return false;
      await db.campaigns.noteProblem(campaign.id, step.member, { reason, message }, replica.fence());
      return true;
    }
  }

  private async perform(campaign: CampaignRecord, step: CampaignStep): Promise<void> {
    const { services } = this;
    const { id, patch, author } = campaign;
    switch (step.kind) {
      case 'build': {
        const wishes = step.kernelBuilds.map((kernelBuild) => ({ patch, kernelBuild, onto: [] }));
        await queueBuilds(services, wishes, Priority.PRIORITY_NORMAL);
        return;
      }
      case 'append':
        return this.append(campaign, step);
      case 'begin':
        return this.begin(campaign, step);
      case 'say': {
        const { of, word: kind, rollout } = step;
        const reason = `${byCampaign(id)}${of === null ? 'its turn' : of.reason || kind}`;
        await services.rollouts.order(rollout, { kind, reason }, of?.by ?? author);
        return;
      }
      case 'approve': {
        const { of, hash, rollout } = step;
        const reason = `${byCampaign(id)}${of.reason}`;
        await services.rollouts.order(rollout, { kind: 'approve', reason, by: of.by, hash }, of.by);
      }
    }
  }

  private async append(
    { patch: patchId }: CampaignRecord,
    { member }: Extract<CampaignStep, { kind: 'append' }>,
  ): Promise<void> {
    const { services } = this;
    const { db } = services;
    const log = { cluster: member.cluster, kernelBuild: member.kernelBuild };
    const patch = await db.patches.require(patchId);
    const choose = await builtFor(db, log, patch, '');
    const { switching } = await db.clusters.require(log.cluster);
    // What was looked at is what it follows: who appends at the same time is seen at the next look.
    const expectedSeq = (await db.loadOrders.head(log)) + 1;
    const wish = { overrides: [], mayInterrupt: false, switching };
    await orderPatch(services, log, { patch, choose, wish, expectedSeq });
  }

  private async begin(
    { id, rules, author }: CampaignRecord,
    { member }: Extract<CampaignStep, { kind: 'begin' }>,
  ): Promise<void> {
    const { db, rollouts } = this.services;
    const { cluster, kernelBuild, seq } = member;
    const { approvals } = await db.clusters.require(cluster);
    const log = { cluster, kernelBuild };
    const policy = {
      ...rulesOfMember(this.services, log, rules),
      ...{ kernelBuild, toSeq: await memberTarget(this.services, log, seq ?? seqZero) },
      approvals: approvals === undefined ? null : { ...approvals, author },
    };
    const pause = { kind: 'pause', reason: `${byCampaign(id)}waits for its turn` } as const;
    await rollouts.begin(cluster, policy, { campaign: { id, pause, by: author } });
  }
}
