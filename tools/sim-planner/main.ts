// SPDX-License-Identifier: GPL-2.0-only
import { Command } from 'commander';
import { simulateRollout, type RolloutHistory } from '@lockstep/testing/planner-sim';
import { wholeNumber } from '../command-options/whole-number';

/** As many violations are told; the seeds of the others too, in the document. */
const mostTold = 10;
const tellEvery = 10_000;

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly json?: boolean;
}

function readOptions(): Options {
  return new Command('sim-planner')
    .description('random rollouts over random fleets, policies, clocks and failures, each to its end')
    .option('--runs <number>', 'histories', wholeNumber, 10_000)
    .option('--seed <number>', 'of the first; the others follow', wholeNumber, 1)
    .option('--json', 'print one JSON document at the end')
    .parse()
    .opts<Options>();
}

function simulate({ runs, seed, json = false }: Options): boolean {
  const beganMs = performance.now();
  const ends: Record<string, number> = {};
  const violations: Pick<RolloutHistory, 'seed' | 'violations'>[] = [];
  let plans = 0;
  for (let run = 0; run < runs; run += 1) {
    const history = simulateRollout(seed + run);
    plans += history.plans;
    ends[history.status] = (ends[history.status] ?? 0) + 1;
    if (history.violations.length > 0) violations.push({ seed: history.seed, violations: history.violations });
    if (!json && (run + 1) % tellEvery === 0) process.stderr.write(`${run + 1} of ${runs} histories\n`);
  }
  const seconds = Math.round((performance.now() - beganMs) / 100) / 10;
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ runs, seed, plans, seconds, ends, violations: violations.length, broken: violations })}\n`,
    );
  } else {
    const ended = Object.entries(ends).map(([status, count]) => `${count} ${status}`);
    process.stdout.write(
      `${runs} histories, ${plans} plans, ${seconds} s: ${ended.join(', ')}; ${violations.length} violations\n`,
    );
    for (const { seed: its, violations: what } of violations.slice(0, mostTold)) {
      process.stdout.write(`seed ${its}: ${what.join('; ')}\n  again: npm run sim:planner -- --seed ${its} --runs 1\n`);
    }
  }
  return violations.length === 0;
}

process.exitCode = simulate(readOptions()) ? 0 : 1;
