// SPDX-License-Identifier: GPL-2.0-only
import type { RolloutRecord } from '@lockstep/io/database';

/** Each is looked at every 15 s; what is missed by no more than this counts as looked at. */
const unnoticedMs = 45_000;

/**
 * When each rollout was looked at last by whoever decides: over a restart, a change of who decides, or a process that stood
 * still. What nobody looked at, and what a clock has only skipped, is no time in which nodes were well.
 */
export class Looks {
  private readonly lookedAtMs = new Map<string, number>();

  /** For so long nobody has looked; less than 0 where the clock shows an earlier time than then; 0: all was seen. */
  gapMs({ id, lookedAtMs }: RolloutRecord, nowMs: number): number {
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

  /** Of those that can still prove themselves; the others are forgotten. @returns ids, and when all of them had been looked at */
  ofThese(rollouts: readonly RolloutRecord[]): { readonly ids: readonly string[]; readonly atMs: number } {
    const open = new Set(rollouts.filter(({ plan }) => isOpen(plan)).map(({ id }) => id));
    for (const id of this.lookedAtMs.keys()) if (!open.has(id)) this.lookedAtMs.delete(id);
    return { ids: [...this.lookedAtMs.keys()], atMs: Math.min(...this.lookedAtMs.values()) };
  }
}

const isOpen = ({ status }: RolloutRecord['plan']): boolean => status !== 'succeeded' && status !== 'aborted';
