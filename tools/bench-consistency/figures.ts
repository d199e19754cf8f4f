// SPDX-License-Identifier: GPL-2.0-only

export const modes = ['system', 'stop_machine', 'per_task'] as const;
export type Mode = (typeof modes)[number];

/** One transition, as bench-consistency.sh prints it. */
export interface Transition {
  readonly mode: Mode;
  /** How long all CPUs stood still at once; 0 for per_task. */
  readonly windowNs: number;
  /** The same with the time that it took to stop them and to let them go on. */
  readonly stopNs: number;
  readonly elapsedMs: number;
}

export interface Spread {
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

/** @throws Error for a line that is no transition */
export function readTransitions(text: string): Transition[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [mode, windowNs, stopNs, elapsedMs] = line.split(' ');
      const known = modes.find((name) => name === mode);
      const numbers = [windowNs, stopNs, elapsedMs].map(Number);
      const [window = NaN, stop = NaN, elapsed = NaN] = numbers;
      if (known === undefined || numbers.some(Number.isNaN)) throw new Error(`no transition: "${line}"`);
      return { mode: known, windowNs: window, stopNs: stop, elapsedMs: elapsed };
    });
}

/** Nearest-rank percentiles; undefined without values. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number | undefined => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  const [median, p99, max] = [at(0.5), at(0.99), at(1)];
  return median === undefined || p99 === undefined || max === undefined ? undefined : { median, p99, max };
}

export interface Row {
  readonly tasks: number;
  readonly runningPercent: number;
  readonly cpus: number;
  readonly transitions: number;
  readonly systemMedianNs: number | null;
  readonly systemP99Ns: number | null;
  readonly systemMaxNs: number | null;
  readonly stopMachineMedianNs: number | null;
  readonly stopMachineP99Ns: number | null;
  readonly stopMachineMaxNs: number | null;
  /** system / stop_machine; below 1 is better. */
  readonly medianRatio: number | null;
  readonly p99Ratio: number | null;
  readonly systemElapsedMs: number | null;
  readonly stopMachineElapsedMs: number | null;
  readonly perTaskElapsedMs: number | null;
}

const ratio = (a: number | undefined, b: number | undefined): number | null =>
  a === undefined || b === undefined || b === 0 ? null : a / b;

/** Sums up the transitions of one crowd. */
export function rowOf(crowd: Pick<Row, 'tasks' | 'runningPercent' | 'cpus'>, transitions: readonly Transition[]): Row {
  const of = (mode: Mode, value: (transition: Transition) => number): Spread | undefined =>
    spreadOf(transitions.filter((transition) => transition.mode === mode).map(value));
  const system = of('system', ({ windowNs }) => windowNs);
  const stopMachine = of('stop_machine', ({ windowNs }) => windowNs);
  const elapsed = (mode: Mode): number | null => of(mode, ({ elapsedMs }) => elapsedMs)?.median ?? null;
  return {
    ...crowd,
    transitions: transitions.length,
    systemMedianNs: system?.median ?? null,
    systemP99Ns: system?.p99 ?? null,
    systemMaxNs: system?.max ?? null,
    stopMachineMedianNs: stopMachine?.median ?? null,
    stopMachineP99Ns: stopMachine?.p99 ?? null,
    stopMachineMaxNs: stopMachine?.max ?? null,
    medianRatio: ratio(system?.median, stopMachine?.median),
    p99Ratio: ratio(system?.p99, stopMachine?.p99),
    systemElapsedMs: elapsed('system'),
    stopMachineElapsedMs: elapsed('stop_machine'),
    perTaskElapsedMs: elapsed('per_task'),
  };
}
