// SPDX-License-Identifier: GPL-2.0-only
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { Command } from 'commander';
import { wholeNumber } from '../command-options/whole-number';
import { added, nothingYet, playStretch, stretches, type Stretch, type Tally } from './histories';

/** As many violations are told; the seeds of the others too, in the document. */
const mostTold = 10;
const tellEveryMs = 10_000;
/** A second or two of work: enough that handing it out costs nothing. */
const stretchLength = 200;

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly workers: number;
  readonly json?: boolean;
}

function readOptions(): Options {
  return new Command('sim-planner')
    .description('random rollouts over random fleets, policies, clocks and failures, each to its end')
    .option('--runs <number>', 'histories', wholeNumber, 10_000)
    .option('--seed <number>', 'of the first; the others follow', wholeNumber, 1)
    .option('--workers <number>', 'threads that play them', wholeNumber, availableParallelism())
    .option('--json', 'print one JSON document at the end')
    .parse()
    .opts<Options>();
}

/** One thread plays stretch after stretch, until none is left. */
async function playAll(left: Stretch[], tell: (tally: Tally) => void): Promise<void> {
  const worker = new Worker(__filename);
  try {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      worker.postMessage(next);
      const [tally] = (await once(worker, 'message')) as [Tally];
      tell(tally);
    }
  } finally {
    await worker.terminate();
  }
}

async function simulate({ runs, seed, workers, json = false }: Options): Promise<boolean> {
  const beganMs = performance.now();
  const seconds = (): number => Math.round((performance.now() - beganMs) / 100) / 10;
  let tally = nothingYet;
  let toldAtMs = beganMs;
  const left = stretches({ seed, runs }, stretchLength);
  const tell = (more: Tally): void => {
    tally = added(tally, more);
    if (performance.now() - toldAtMs < tellEveryMs) return;
    toldAtMs = performance.now();
    process.stderr.write(`${tally.runs} of ${runs} histories, ${tally.broken.length} violations, ${seconds()} s\n`);
  };
  const atOnce = Math.max(1, Math.min(workers, left.length));
  await Promise.all(Array.from({ length: atOnce }, () => playAll(left, tell)));
  const { plans, ends, broken } = tally;
  if (json) {
    const counts = { runs, seed, workers: atOnce, plans, seconds: seconds(), ends, violations: broken.length };
    process.stdout.write(`${JSON.stringify({ ...counts, broken })}\n`);
  } else {
    const ended = Object.entries(ends).map(([status, count]) => `${count} ${status}`);
    process.stdout.write(
      `${runs} histories, ${plans} plans, ${seconds()} s: ${ended.join(', ')}; ${broken.length} violations\n`,
    );
    for (const { seed: its, violations: what } of broken.slice(0, mostTold)) {
      process.stdout.write(`seed ${its}: ${what.join('; ')}\n  again: npm run sim:planner -- --seed ${its} --runs 1\n`);
    }
  }
  return broken.length === 0;
}

if (isMainThread) {
  simulate(readOptions()).then(
    (isWell) => {
      process.exitCode = isWell ? 0 : 1;
    },
    (error: unknown) => {
      process.stderr.write(`sim-planner: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    },
  );
} else {
  parentPort?.on('message', (stretch: Stretch) => parentPort?.postMessage(playStretch(stretch)));
}
