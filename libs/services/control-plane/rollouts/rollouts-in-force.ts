// SPDX-License-Identifier: GPL-2.0-only
import type { ClusterName } from '@lockstep/domain/livepatch-model';
import type { RolloutPlan } from '@lockstep/domain/rollout-planner';
import type { RolloutRecord, RolloutStore } from '@lockstep/io/database';

/**
 * The rollouts that are worked on, with their plans in the newest words: read once, and again where something else than
 * a plan of ours may have changed them.
 */
export class RolloutsInForce {
  private readonly known = new Map<ClusterName, readonly RolloutRecord[]>();
  /** To be read again. */
  private readonly stale = new Set<ClusterName>();
  /** Under way, one after the other. */
  private readonly reading = new Map<ClusterName, Promise<void>>();

  constructor(private readonly store: Pick<RolloutStore, 'inForce'>) {}

  async start(): Promise<void> {
    for (const rollout of await this.store.inForce()) {
      this.known.set(rollout.cluster, [...(this.known.get(rollout.cluster) ?? []), rollout]);
    }
  }

  /** As they were known last. */
  idsIn(cluster: ClusterName): string[] {
    return (this.known.get(cluster) ?? []).map(({ id }) => id);
  }

  /** That have any. */
  clusters(): ClusterName[] {
    return [...new Set([...this.known.keys(), ...this.stale])];
  }

  /** As they are known, of every cluster that had one; what is to be read again is told as it was. */
  all(): ReadonlyMap<ClusterName, readonly RolloutRecord[]> {
    return this.known;
  }

  /** One was begun, or what became of a plan is not known. */
  readAgain(cluster: ClusterName): void {
    this.stale.add(cluster);
  }

  async of(cluster: ClusterName): Promise<readonly RolloutRecord[]> {
    while (this.isInDoubt(cluster)) {
      const reading = this.reading.get(cluster) ?? this.read(cluster).finally(() => this.reading.delete(cluster));
      this.reading.set(cluster, reading);
      await reading;
    }
    return this.known.get(cluster) ?? [];
  }

  private isInDoubt(cluster: ClusterName): boolean {
    return this.stale.has(cluster) || this.reading.has(cluster);
  }

  private async read(cluster: ClusterName): Promise<void> {
    this.stale.delete(cluster);
    try {
      this.known.set(cluster, await this.store.inForce(cluster));
    } catch (error) {
      this.stale.add(cluster);
      throw error;
    }
  }

  /** As it is known here: undefined of one that is history, or that is to be read again, or being read. */
  find(id: string): RolloutRecord | undefined {
    for (const [cluster, rollouts] of this.known) {
      const found = this.isInDoubt(cluster) ? undefined : rollouts.find((rollout) => rollout.id === id);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The rollout has this plan now, unless a later one is known. One that ends changes which are in force. */
  replace(rollout: RolloutRecord, plan: RolloutPlan): void {
    const { cluster, id } = rollout;
    if (plan.status !== rollout.plan.status) this.stale.add(cluster);
    const others = this.known.get(cluster) ?? [];
    this.known.set(
      cluster,
      others.map((each) => (each.id === id && each.plan.generation <= plan.generation ? { ...each, plan } : each)),
    );
  }
}
