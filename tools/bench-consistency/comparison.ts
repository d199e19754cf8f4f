// SPDX-License-Identifier: GPL-2.0-only

/** Instructions of a context switch outside transitions, on our kernel and on the stock one. */
export interface Pair {
  readonly ours: number;
  readonly stock: number;
}

/** Measured in pairs. */
export interface Comparison {
  readonly pairs: readonly Pair[];
  readonly stock: number;
  /** Mean of ours less stock. */
  readonly difference: number;
  /** Half the width of the 95 % interval of the mean; null with fewer than two pairs. */
  readonly margin: number | null;
}

/** 97.5 % quantiles of Student's t for 1, 2, … degrees of freedom; beyond them it is close to the normal one. */
const studentT = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13];
const normal = 2.1;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export function comparisonOf(pairs: readonly Pair[]): Comparison {
  const differences = pairs.map(({ ours, stock }) => ours - stock);
  const difference = mean(differences);
  const freedom = differences.length - 1;
  const squares = differences.reduce((sum, value) => sum + (value - difference) ** 2, 0);
  const margin =
    freedom < 1 ? null : (studentT[freedom - 1] ?? normal) * Math.sqrt(squares / freedom / differences.length);
  return { pairs, stock: mean(pairs.map(({ stock }) => stock)), difference, margin };
}

export function describeComparison({ stock, difference, margin }: Comparison): string {
  const interval = margin === null ? 'unknown' : `± ${margin.toFixed(1)}`;
  return (
    `A context switch outside transitions takes ${stock.toFixed(1)} instructions on the stock kernel, and ` +
    `${difference.toFixed(1)} more on ours (95 % interval: ${interval}).`
  );
}
