// SPDX-License-Identifier: GPL-2.0-only
import type { ClusterName } from '@lockstep/domain/livepatch-model';
import {
  outcomeOf,
  triesUntilError,
  type GateMeasure,
  type GateOutcome,
  type MetricGate,
} from '@lockstep/domain/probes';
import type { RolloutRecord } from '@lockstep/io/database';
import type { MetricAnswer } from '@lockstep/io/prometheus';

/** Asks for the values that a query has now. @throws what kept it from being answered */
export type AskMetrics = (query: string, signal: AbortSignal) => Promise<MetricAnswer>;

const defaultEveryMs = 15_000;

export interface GateWatchParts {
  readonly ask: AskMetrics;
  /** How often each gate is asked (default 15 s). */
  readonly everyMs: number | undefined;
  /** Time of day, in ms, as plans are told it. */
  readonly nowMs: () => number;
  /** There is something new to plan by. */
  readonly onNews: (cluster: ClusterName) => void;
}

interface Watched {
  readonly cluster: ClusterName;
  readonly gates: readonly MetricGate[];
  readonly timer: NodeJS.Timeout;
  /** As plans are told it. */
  readonly sinceMs: number;
  asking: boolean;
  measures: readonly GateMeasure[];
}

/** Also after a success, where a wave that nobody could try before is tried in its turn. */
const isProving = ({ plan, policy }: RolloutRecord): boolean =>
  policy.gates.length > 0 &&
  plan.status !== 'halted' &&
  plan.status !== 'aborted' &&
  plan.openWave !== null &&
  plan.openWave.bakesUntilMs !== null;

/** Asks the gates of rollouts whose waves prove themselves, again and again; what they came to last is for the planner. */
export class GateWatch {
  private readonly watched = new Map<string, Watched>();
  private readonly abort = new AbortController();

  constructor(private readonly parts: GateWatchParts) {}

  measures(rollout: string): readonly GateMeasure[] {
    return this.watched.get(rollout)?.measures ?? [];
  }

  /** Since when its gates are asked without a break, in ms; undefined where they are not. */
  askedSinceMs(rollout: string): number | undefined {
    return this.watched.get(rollout)?.sinceMs;
  }

  /** Of these rollouts, all there are of a cluster, those that prove themselves are watched, and no others. */
  follow(cluster: ClusterName, rollouts: readonly RolloutRecord[]): void {
    const proving = new Map(rollouts.filter(isProving).map((rollout) => [rollout.id, rollout]));
    for (const [id, each] of this.watched) {
      if (each.cluster !== cluster || proving.has(id)) continue;
      clearInterval(each.timer);
      this.watched.delete(id);
    }
    for (const [id, { policy }] of proving) if (!this.watched.has(id)) this.watch(id, cluster, policy.gates);
  }

  stop(): void {
    this.abort.abort();
    for (const { timer } of this.watched.values()) clearInterval(timer);
    this.watched.clear();
  }

  private watch(id: string, cluster: ClusterName, gates: readonly MetricGate[]): void {
    const look = (): void => {
      this.measure(watched).catch(() => undefined);
    };
    const timer = setInterval(look, this.parts.everyMs ?? defaultEveryMs);
    timer.unref();
    const sinceMs = this.parts.nowMs();
    const watched: Watched = { cluster, gates, timer, sinceMs, asking: false, measures: [] };
    this.watched.set(id, watched);
    look();
  }

  /** Not again before the last answer has come. */
  private async measure(watched: Watched): Promise<void> {
    if (watched.asking) return;
    watched.asking = true;
    try {
      watched.measures = await Promise.all(watched.gates.map((gate) => this.ask(gate, watched.measures)));
    } finally {
      watched.asking = false;
    }
    if (!this.abort.signal.aborted) this.parts.onNews(watched.cluster);
  }

  private async ask(gate: MetricGate, before: readonly GateMeasure[]): Promise<GateMeasure> {
    const atMs = this.parts.nowMs();
    const outcome = await this.parts.ask(gate.query, this.abort.signal).then(
      ({ values, warnings }) => outcomeOf(gate, values, warnings),
      (error: unknown): GateOutcome => ({
        kind: 'error',
        problem: error instanceof Error ? error.message : String(error),
      }),
    );
    const errors = before.find((each) => each.gate === gate.name)?.errorsInARow ?? 0;
    const errorsInARow = outcome.kind === 'error' ? Math.min(triesUntilError, errors + 1) : 0;
    return { gate: gate.name, atMs, outcome, errorsInARow };
  }
}
