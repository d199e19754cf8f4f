// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { triesUntilError } from './probe-result';

const comparisons = {
  '<=': (value: number, limit: number) => value <= limit,
  '>=': (value: number, limit: number) => value >= limit,
  '==': (value: number, limit: number) => value === limit,
  '!=': (value: number, limit: number) => value !== limit,
  '<': (value: number, limit: number) => value < limit,
  '>': (value: number, limit: number) => value > limit,
} as const;

export type Comparison = keyof typeof comparisons;

/**
 * A number that has to keep to a bound. The comparison is no part of the query: to PromQL one is a filter, by which what
 * breaks the bound, or what keeps to it, would be no data.
 */
export interface MetricGate {
  readonly name: string;
  /** PromQL that is a scalar or an instant vector; each of its series has to keep to the bound. */
  readonly query: string;
  readonly comparison: Comparison;
  readonly limit: number;
}

/** What a gate's query came to last. */
export interface GateMeasure {
  /** Its gate's name. */
  readonly gate: string;
  /** When it was asked, in ms. */
  readonly atMs: number;
  readonly outcome: GateOutcome;
  /** How often in a row it could not be measured. */
  readonly errorsInARow: number;
}

export type GateOutcome =
  | { readonly kind: 'value'; readonly value: number }
  /** It could not be measured, which is no pass. */
  | { readonly kind: 'error'; readonly problem: string };

const form =
  /^(?:([a-z0-9][a-z0-9-]{0,62})=(?!=))?\s*(\S.*?)\s*(<=|>=|==|!=|<|>)\s*([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\s*$/s;

/**
 * `[NAME=]QUERY <= NUMBER`; one without a name is called by its query.
 * @throws LockstepError `invalid-input` `invalid-gate`
 */
export function parseGate(text: string): MetricGate {
  const [, name, query, comparison, limit] = form.exec(text) ?? [];
  if (query === undefined || comparison === undefined || text.length > 2_000) {
    const message = `"${text.slice(0, 80)}" is no gate: write QUERY <= NUMBER, with <, <=, >, >=, == or !=, and NAME= before it if you like.`;
    throw new LockstepError('invalid-input', 'invalid-gate', message, { text: text.slice(0, 80) });
  }
  return { name: name ?? query, query, comparison: comparison as Comparison, limit: Number(limit) };
}

export const showGate = ({ name, query, comparison, limit }: MetricGate): string =>
  `${name === query ? '' : `${name}=`}${query} ${comparison} ${limit}`;

const keepsTo = ({ comparison, limit }: MetricGate, value: number): boolean => comparisons[comparison](value, limit);

/**
 * Of what a query answered: what breaks the bound, if anything does. None at all, what is no number, and what is only a part,
 * is not known.
 * @param warnings what its server says was not looked at
 */
export function outcomeOf(gate: MetricGate, values: readonly number[], warnings: readonly string[] = []): GateOutcome {
  const broken = values.find((value) => !Number.isNaN(value) && !keepsTo(gate, value));
  if (broken !== undefined) return { kind: 'value', value: broken };
  const [first] = values;
  const [warning] = warnings;
  if (warning !== undefined) return { kind: 'error', problem: `the answer is not whole: ${warning}` };
  if (first === undefined) return { kind: 'error', problem: 'the query has no data' };
  return values.some(Number.isNaN)
    ? { kind: 'error', problem: 'the query answers NaN' }
    : { kind: 'value', value: first };
}

export type GatesJudgement =
  | { readonly kind: 'pass' }
  | { readonly kind: 'awaited' }
  | { readonly kind: 'broken'; readonly gate: MetricGate; readonly value: number }
  | { readonly kind: 'error'; readonly gate: MetricGate; readonly problem: string };

/** What was asked longer ago says nothing of now. */
const freshMs = 120_000;

/**
 * All of them, as one. One that is broken is enough, and one that could not be measured is no pass.
 * @param sinceMs what was asked before says nothing
 */
export function judgeGates(
  gates: readonly MetricGate[],
  measures: readonly GateMeasure[],
  sinceMs: number,
  nowMs: number,
): GatesJudgement {
  let isAwaited = false;
  let unknown: GatesJudgement | undefined;
  for (const gate of gates) {
    const found = measures.find((each) => each.gate === gate.name && each.atMs >= sinceMs);
    const outcome = found === undefined || nowMs - found.atMs > freshMs ? undefined : found.outcome;
    if (outcome?.kind === 'value' && !keepsTo(gate, outcome.value))
      return { kind: 'broken', gate, value: outcome.value };
    if (outcome?.kind === 'value') continue;
    isAwaited = true;
    if (outcome !== undefined && (found?.errorsInARow ?? 0) >= triesUntilError) {
      unknown ??= { kind: 'error', gate, problem: outcome.problem };
    }
  }
  return unknown ?? { kind: isAwaited ? 'awaited' : 'pass' };
}
