// SPDX-License-Identifier: GPL-2.0-only
import { NodeStatus, type NodeReport, type Transition } from '@lockstep/contracts/generated';
import { consistencyFromWire } from '@lockstep/contracts/wire';
import type { Consistency } from '@lockstep/domain/load-order';
import type { Transition as DomainTransition } from '@lockstep/domain/node-state';
import { Counter, Histogram, type Registry } from '@lockstep/io/monitoring-port';

type Mode = Consistency | 'unknown';
type Direction = DomainTransition['direction'];
type Result = Exclude<DomainTransition['result'], 'pending'>;

const modes = { per_task: true, system: true, stop_machine: true, unknown: true } satisfies Record<Mode, true>;
const directions = { patching: true, unpatching: true } satisfies Record<Direction, true>;
const results = { switched: true, reversed: true, failed: true, forced: true } satisfies Record<Result, true>;

/** Whole transitions: some milliseconds where the whole system is switched, up to the hour that an entry may allow. */
const durationSeconds = [0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 3600];
/** All CPUs stand still for this long: microseconds. */
const windowSeconds = [10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 5e-3, 25e-3];

const isSame = (a: Transition | undefined, b: Transition): boolean => JSON.stringify(a) === JSON.stringify(b);

/** How nodes' kernels switched livepatches, as their reports tell: each switch once. */
export class TransitionMetrics {
  private readonly ended;
  private readonly duration;
  private readonly window;

  constructor(registry: Registry) {
    const registers = [registry];
    const labelNames = ['mode', 'direction'] as const;
    this.ended = new Counter({
      name: 'lockstep_transitions_total',
      help: 'Transitions that nodes have reported the end of.',
      labelNames: [...labelNames, 'result'],
      registers,
    });
    // From nought: a counter that begins at one has not grown, as Prometheus sees it.
    for (const mode of Object.keys(modes)) {
      for (const direction of Object.keys(directions)) {
        for (const result of Object.keys(results)) this.ended.inc({ mode, direction, result }, 0);
      }
    }
    this.duration = new Histogram({
      name: 'lockstep_transition_duration_seconds',
      help: 'How long livepatch transitions took that switched.',
      buckets: durationSeconds,
      labelNames,
      registers,
    });
    this.window = new Histogram({
      name: 'lockstep_transition_stop_window_seconds',
      help: 'How long all CPUs of a node stood still for a switch of its whole system.',
      buckets: windowSeconds,
      registers,
    });
  }

  /** A report with news, after the one before it. What cannot be true is not counted. */
  note(before: NodeReport | undefined, { status, lastTransition }: NodeReport): void {
    if (lastTransition === undefined || status === NodeStatus.NODE_STATUS_IMPLAUSIBLE) return;
    const { direction, result } = lastTransition;
    if (!Object.hasOwn(directions, direction) || !Object.hasOwn(results, result)) return;
    if (isSame(before?.lastTransition, lastTransition)) return;
    const mode = consistencyFromWire(lastTransition.mode) ?? 'unknown';
    this.ended.inc({ mode, direction, result });
    if (result !== 'switched') return;
    this.duration.observe({ mode, direction }, lastTransition.elapsedMs / 1000);
    if (lastTransition.windowLastNs > 0) this.window.observe(lastTransition.windowLastNs / 1e9);
  }
}
