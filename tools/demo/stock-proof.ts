// SPDX-License-Identifier: GPL-2.0-only
import Table from 'cli-table3';

/** What one machine itself says, read through its own shell and not through the agent. */
export interface StockEvidence {
  readonly node: string;
  /** Position as the control plane has it from the agent. */
  readonly position: number;
  /** `uname -r` */
  readonly release: string;
  /** The fix is enabled, and the module that it is for is patched. */
  readonly isPatched: boolean;
  /** What a read that is too short is answered with. */
  readonly answer: string;
  /** The same, of a program that was running before the fix came; undefined where there is none. */
  readonly longRunning: string | undefined;
}

export interface StockExpectation {
  readonly nodes: number;
  readonly position: number;
  readonly release: string;
}

const fixed = 'EINVAL';

export function stockTable(all: readonly StockEvidence[]): string {
  const head = ['node', 'kernel', 'position', 'module patched', 'short read', 'of a program that ran before'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { node, release, position, isPatched, answer, longRunning } of all)
    table.push([node, release, position, isPatched ? 'yes' : 'no', answer, longRunning ?? '-']);
  return table.toString();
}

/** The closing line, and what deviates from the expectation: nothing, if all is well. */
export function judgeStock(
  all: readonly StockEvidence[],
  expected: StockExpectation,
): { line: string; deviations: string[] } {
  const deviations = all.flatMap(({ node, release, position, isPatched, answer, longRunning = fixed }) => {
    const checks: [string, string, string][] = [
      ['the kernel', release, expected.release],
      ['the position', String(position), String(expected.position)],
      ['the module', isPatched ? 'patched' : 'not patched', 'patched'],
      ['the answer to a short read', answer, fixed],
      ['the answer to the program that ran before', longRunning, fixed],
    ];
    return checks
      .filter(([, found, wanted]) => found !== wanted)
      .map(([what, found, wanted]) => `${node}: ${what} is ${found}, expected ${wanted}`);
  });
  if (all.length !== expected.nodes) deviations.push(`${all.length} nodes answered, expected ${expected.nodes}`);
  const wrong = new Set(deviations.map((line) => line.split(':')[0]));
  const right = all.filter(({ node }) => !wrong.has(node)).length;
  const line =
    `demo: ${right}/${expected.nodes} nodes on Debian's own ${expected.release} at position ${expected.position}, mended; ` +
    'the second owner refused by the load order, taken by the kernel itself, told by the agent';
  return { line, deviations };
}
