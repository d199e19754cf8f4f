// SPDX-License-Identifier: GPL-2.0-only

export const modes = ['system', 'stop_machine', 'per_task'] as const;
export type Mode = (typeof modes)[number];
const actions = ['fork', 'kill', 'switch'] as const;
type Action = (typeof actions)[number];

/** One transition. */
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

/** How long somebody else waited for `action` while a transition was tried in `mode`. */
interface Wait {
  readonly mode: Mode | 'none';
  readonly action: Action;
  readonly ns: number;
}

/** All such waits. */
interface Latency extends Omit<Wait, 'ns'> {
  readonly ns: Spread;
}

/** A transition that failed after a second. */
interface Standstill {
  readonly mode: Mode;
  /** At most: the number of stops times the longest of them. */
  readonly totalNs: number;
}

/** What bench-consistency.sh printed. */
export interface Measurements {
  readonly transitions: readonly Transition[];
  readonly waits: readonly Wait[];
  readonly standstills: readonly Standstill[];
}

/** @throws Error for a word that is none of `known` */
function oneOf<T extends string>(known: readonly T[], word: string | undefined): T {
  const found = known.find((name) => name === word);
  if (found === undefined) throw new Error(`none of ${known.join(', ')}: "${word ?? ''}"`);
  return found;
}

/** @throws Error unless there are exactly `count` numbers */
function numbersOf(words: readonly string[], count: number): number[] {
  const numbers = words.map(Number);
  if (numbers.length !== count || numbers.some(Number.isNaN)) throw new Error(`not ${count} numbers`);
  return numbers;
}

/** @throws Error for a line that is no measurement */
export function readMeasurements(text: string): Measurements {
  const transitions: Transition[] = [];
  const waits: Wait[] = [];
  const standstills: Standstill[] = [];
  const read = ([first, ...rest]: readonly string[]): void => {
    if (first === 'latency') {
      const [mode, action, ...figures] = rest;
      const [ns = 0] = numbersOf(figures, 1);
      waits.push({ mode: oneOf([...modes, 'none'], mode), action: oneOf(actions, action), ns });
    } else if (first === 'standstill') {
      const [mode, ...figures] = rest;
      const [stops = 0, longestNs = 0] = numbersOf(figures, 2);
      standstills.push({ mode: oneOf(modes, mode), totalNs: stops * longestNs });
    } else {
      const [windowNs = 0, stopNs = 0, elapsedMs = 0] = numbersOf(rest, 3);
      transitions.push({ mode: oneOf(modes, first), windowNs, stopNs, elapsedMs });
    }
  };
  for (const line of text.split('\n').filter((part) => part !== '')) {
    try {
      read(line.split(' '));
    } catch (cause) {
      throw new Error(`no measurement: "${line}"`, { cause });
    }
  }
  return { transitions, waits, standstills };
}

/** Nearest-rank percentiles; undefined without values. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number | undefined => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  const [median, p99, max] = [at(0.5), at(0.99), at(1)];
  return median === undefined || p99 === undefined || max === undefined ? undefined : { median, p99, max };
}

export interface Crowd {
  readonly tasks: number;
  readonly runningPercent: number;
  readonly cpus: number;
}

/** Figures of one crowd. Null: not measured. `idle…`: while there is no transition. */
export interface Figures {
  readonly transitions: number;
  readonly systemMedianNs: number | null;
  readonly systemP99Ns: number | null;
  readonly systemMaxNs: number | null;
  readonly stopMachineMedianNs: number | null;
  readonly stopMachineP99Ns: number | null;
  readonly stopMachineMaxNs: number | null;
  /** With the time that it takes to stop all CPUs and to let them go on. */
  readonly systemStopMedianNs: number | null;
  readonly systemStopP99Ns: number | null;
  readonly stopMachineStopMedianNs: number | null;
  readonly stopMachineStopP99Ns: number | null;
  /** system / stop_machine; below 1 is better. */
  readonly medianRatio: number | null;
  readonly p99Ratio: number | null;
  readonly systemElapsedMs: number | null;
  readonly stopMachineElapsedMs: number | null;
  readonly perTaskElapsedMs: number | null;
  /** How long all CPUs stood still in a second of a transition that fails, at most. */
  readonly systemStandstillNs: number | null;
  readonly stopMachineStandstillNs: number | null;
  /** fork+exit during `system` transitions, and during none. */
  readonly forkP99Ns: number | null;
  readonly idleForkP99Ns: number | null;
  readonly latencies: readonly Latency[];
}

export interface Row extends Crowd, Figures {
  /** The same with the series that was given with --against. */
  readonly baseline: Figures | null;
}

const ratio = (a: number | undefined, b: number | undefined): number | null =>
  a === undefined || b === undefined || b === 0 ? null : a / b;

function latenciesOf(waits: readonly Wait[]): Latency[] {
  return ([...modes, 'none'] as const).flatMap((mode) =>
    actions.flatMap((action) => {
      const ns = spreadOf(waits.filter((wait) => wait.mode === mode && wait.action === action).map((wait) => wait.ns));
      return ns === undefined ? [] : [{ mode, action, ns }];
    }),
  );
}

/** Sums up what was measured in one crowd. */
export function figuresOf({ transitions, waits, standstills }: Measurements): Figures {
  const latencies = latenciesOf(waits);
  const of = (mode: Mode, value: (transition: Transition) => number): Spread | undefined =>
    spreadOf(transitions.filter((transition) => transition.mode === mode).map(value));
  const system = of('system', ({ windowNs }) => windowNs);
  const stopMachine = of('stop_machine', ({ windowNs }) => windowNs);
  const systemStop = of('system', ({ stopNs }) => stopNs);
  const stopMachineStop = of('stop_machine', ({ stopNs }) => stopNs);
  const elapsed = (mode: Mode): number | null => of(mode, ({ elapsedMs }) => elapsedMs)?.median ?? null;
  const standstill = (wanted: Mode): number | null =>
    spreadOf(standstills.filter(({ mode }) => mode === wanted).map(({ totalNs }) => totalNs))?.median ?? null;
  const forkP99 = (wanted: Latency['mode']): number | null =>
    latencies.find(({ mode, action }) => mode === wanted && action === 'fork')?.ns.p99 ?? null;
  return {
    transitions: transitions.length,
    systemMedianNs: system?.median ?? null,
    systemP99Ns: system?.p99 ?? null,
    systemMaxNs: system?.max ?? null,
    stopMachineMedianNs: stopMachine?.median ?? null,
    stopMachineP99Ns: stopMachine?.p99 ?? null,
    stopMachineMaxNs: stopMachine?.max ?? null,
    systemStopMedianNs: systemStop?.median ?? null,
    systemStopP99Ns: systemStop?.p99 ?? null,
    stopMachineStopMedianNs: stopMachineStop?.median ?? null,
    stopMachineStopP99Ns: stopMachineStop?.p99 ?? null,
    medianRatio: ratio(system?.median, stopMachine?.median),
    p99Ratio: ratio(system?.p99, stopMachine?.p99),
    systemElapsedMs: elapsed('system'),
    stopMachineElapsedMs: elapsed('stop_machine'),
    perTaskElapsedMs: elapsed('per_task'),
    systemStandstillNs: standstill('system'),
    stopMachineStandstillNs: standstill('stop_machine'),
    forkP99Ns: forkP99('system'),
    idleForkP99Ns: forkP99('none'),
    latencies,
  };
}
