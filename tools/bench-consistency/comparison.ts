// SPDX-License-Identifier: GPL-2.0-only

interface Pair {
  readonly oursNs: number;
  readonly stockNs: number;
}

/** What a context switch takes outside transitions, measured in pairs. */
export interface Comparison {
  readonly pairs: readonly Pair[];
  readonly stockNs: number;
  /** Mean of ours less stock. */
  readonly differenceNs: number;
  /** Half the width of the 95 % interval of the mean; null with fewer than two pairs. */
  readonly marginNs: number | null;
}

/** 97.5 % quantiles of Student's t for 1, 2, … degrees of freedom; beyond them it is close to the normal one. */
const studentT = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13];
const normal = 2.1;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export function comparisonOf(pairs: readonly Pair[]): Comparison {
  const differences = pairs.map(({ oursNs, stockNs }) => oursNs - stockNs);
  const differenceNs = mean(differences);
  const freedom = differences.length - 1;
  const squares = differences.reduce((sum, value) => sum + (value - differenceNs) ** 2, 0);
  const marginNs =
    freedom < 1 ? null : (studentT[freedom - 1] ?? normal) * Math.sqrt(squares / freedom / differences.length);
  return { pairs, stockNs: mean(pairs.map(({ stockNs }) => stockNs)), differenceNs, marginNs };
}

export function describeComparison({ stockNs, differenceNs, marginNs }: Comparison): string {
  const margin = marginNs === null ? 'unknown' : `${marginNs.toFixed(1)} ns`;
  return (
    `A context switch outside transitions takes ${stockNs.toFixed(1)} ns on the stock kernel, and ` +
    `${differenceNs.toFixed(1)} ns more on ours (95 % interval: ± ${margin}).`
  );
}
