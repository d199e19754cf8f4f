// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { afterGap } from '@lockstep/domain/rollout-planner';
import type { Database, RolloutRecord } from '@lockstep/io/database';
import type { Logger } from 'pino';
import type { Replica } from '../replicas/replica';

/** Each is looked at every 15 s; what is missed by no more than this counts as looked at. */
const unnoticedMs = 45_000;

export interface LooksParts {
  readonly db: Pick<Database, 'rollouts'>;
  readonly replica: Pick<Replica, 'leads' | 'fence'>;
  readonly log: Logger;
}

/**
 * When each rollout was looked at last by whoever decides: over a restart, a change of who decides, or a process that stood
 * still. What nobody looked at, and what a clock has only skipped, is no time in which nodes were well.
 */
export class Looks {
  constructor(private readonly parts: LooksParts) {}

  private readonly lookedAtMs = new Map<string, number>();

  /** For so long nobody has looked; less than 0 where the clock shows an earlier time than then; 0: all was seen. */
  private gapMs({ id, lookedAtMs }: RolloutRecord, nowMs: number): number {
    const gapMs = nowMs - (this.lookedAtMs.get(id) ?? lookedAtMs ?? nowMs);
    return Math.abs(gapMs) > unnoticedMs ? gapMs : 0;
  }

  note(id: string, nowMs: number): void {
    this.lookedAtMs.set(id, nowMs);
  }

  /** Somebody else has decided meanwhile. */
  forget(): void {
    this.lookedAtMs.clear();
  }

  /** Where nobody looked for a while the plan goes on from where it stood: stored before anything follows from it. */
  async continued(rollout: RolloutRecord, nowMs: number): Promise<RolloutRecord> {
    const { db, replica, log } = this.parts;
    const gapMs = this.gapMs(rollout, nowMs);
    const plan = gapMs === 0 || !replica.leads() ? undefined : afterGap(rollout.plan, gapMs);
    if (plan === undefined) return rollout;
    const { id } = rollout;
    if (!(await db.rollouts.advance(id, plan, replica.fence()))) {
      throw new LockstepError(
        'unavailable',
        'planned-meanwhile',
        `Rollout ${id} was planned for meanwhile: look again.`,
      );
    }
    log.warn({ rollout: id, gapMs }, 'nobody has looked at a rollout for a while: that time proves nothing');
    this.note(id, nowMs);
    return { ...rollout, plan };
  }

  /** The same for an operator's word, with which it is stored. */
  underOrder(rollout: RolloutRecord, nowMs: number): RolloutRecord {
    const gapMs = this.gapMs(rollout, nowMs);
    const plan = gapMs === 0 ? undefined : afterGap(rollout.plan, gapMs);
    const { generation, parent } = rollout.plan;
    return plan === undefined ? rollout : { ...rollout, plan: { ...plan, generation, parent } };
  }

  /** For whoever decides after this one. @param rollouts all that are in force; others are forgotten */
  keep(rollouts: readonly RolloutRecord[]): void {
    const { db, replica, log } = this.parts;
    const open = new Set(rollouts.filter(({ plan }) => isOpen(plan)).map(({ id }) => id));
    for (const id of this.lookedAtMs.keys()) if (!open.has(id)) this.lookedAtMs.delete(id);
    if (this.lookedAtMs.size === 0 || !replica.leads()) return;
    db.rollouts.noteLooked([...this.lookedAtMs.keys()], Math.min(...this.lookedAtMs.values())).catch((err: unknown) => {
      log.warn({ err }, 'cannot keep now when rollouts were looked at');
    });
  }
}

/** It can still prove itself. */
const isOpen = ({ status }: RolloutRecord['plan']): boolean => status !== 'succeeded' && status !== 'aborted';
