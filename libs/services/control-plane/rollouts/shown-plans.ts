// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ClusterName } from '@lockstep/domain/livepatch-model';
import { changesSince, previewText, type RolloutPreview } from '@lockstep/domain/rollout-planner';
import { sha256OfBytes } from '@lockstep/platform/runtime';

/** As many are remembered; a control plane that was restarted remembers none. */
const mostShown = 200;
/** Of all of them together, some hundred bytes each; the newest is remembered in any case. */
const defaultMostNodes = 100_000;

export interface ShownPlan {
  readonly cluster: ClusterName;
  readonly preview: RolloutPreview;
}

const hashOf = ({ cluster, preview }: ShownPlan): string =>
  sha256OfBytes(Buffer.from(`${cluster}\n${previewText(preview)}`));

/** Plans that operators were shown, by their hash: one of them may be started as it was. */
export class ShownPlans {
  private readonly shown = new Map<string, ShownPlan>();
  private nodes = 0;

  constructor(private readonly mostNodes = defaultMostNodes) {}

  /** @returns its hash. */
  remember(plan: ShownPlan): string {
    const hash = hashOf(plan);
    this.forget(hash);
    this.shown.set(hash, plan);
    this.nodes += plan.preview.nodes.length;
    for (const oldest of this.shown.keys()) {
      const isFull = this.shown.size > mostShown || this.nodes > this.mostNodes;
      if (!isFull || oldest === hash) break;
      this.forget(oldest);
    }
    return hash;
  }

  private forget(hash: string): void {
    this.nodes -= this.shown.get(hash)?.preview.nodes.length ?? 0;
    this.shown.delete(hash);
  }

  /** Of that cluster and no other; undefined of one that was shown too long ago, before a restart, or by another control plane. */
  find(cluster: ClusterName, hash: string): ShownPlan | undefined {
    const found = this.shown.get(hash);
    return found?.cluster === cluster ? found : undefined;
  }

  /** @throws LockstepError `not-found` `unknown-plan`. */
  private require(cluster: ClusterName, hash: string): ShownPlan {
    const found = this.find(cluster, hash);
    if (found !== undefined) return found;
    const message =
      `Cluster "${cluster}" has no plan ${hash} here, and what was asked for now is another one: it was shown too long ago, before a ` +
      'restart, or by another control plane. Say it with the options that it was planned with, or look at a new one with ' +
      '`lockstep rollout plan`.';
    throw new LockstepError('not-found', 'unknown-plan', message, { plan: hash });
  }

  /** Whoever has shown it: it is the same by its hash. @throws LockstepError `refused` `plan-changed`, with what has; `unknown-plan`. */
  expectSame(hash: string, now: ShownPlan): void {
    if (hashOf(now) === hash) return;
    const changes = changesSince(this.require(now.cluster, hash).preview, now.preview);
    const message =
      `What was planned is not what would happen now: ${changes.slice(0, 10).join(' ')}` +
      `${changes.length > 10 ? ` And ${changes.length - 10} more.` : ''} Look again: lockstep rollout plan --cluster ${now.cluster}.`;
    throw new LockstepError('refused', 'plan-changed', message, { plan: hash, changes });
  }
}
