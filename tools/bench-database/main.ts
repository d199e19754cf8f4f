// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { switchingToWire } from '@lockstep/contracts/wire';
import { openCertificateAuthority } from '@lockstep/io/certificates';
import CliTable from 'cli-table3';
import { Command } from 'commander';
import { Client } from 'pg';
import { BenchControlPlane } from '../bench-fleet/bench-control-plane';
import { BenchDatabase } from '../bench-fleet/bench-database';
import { wholeNumber } from '../command-options/whole-number';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { addEntries, addNodes, addPatches, addRollouts, benchLog, type HistorySize } from './fill-database';
import { measureCalls, type CallFigures } from './measure-calls';
import { hotQueries, type HotQuery } from './query-plans';

const ownBundles = path.resolve(__dirname);

interface Options extends HistorySize {
  readonly times: number;
  readonly json?: boolean;
}

const readOptions = (): Options =>
  new Command('bench:database')
    .description('what each call costs on a database with years of history, and how PostgreSQL finds the rows')
    .option('--nodes <n>', 'nodes', wholeNumber, 10_000)
    .option('--entries <n>', 'entries of one load order', wholeNumber, 5_000)
    .option('--rollouts <n>', 'rollouts, of ten plans each', wholeNumber, 10_000)
    .option('--times <n>', 'how often each call is made', wholeNumber, 100)
    .option('--json', 'print one JSON document')
    .parse()
    .opts<Options>();

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** The control plane makes the schema and its keys; it is down while the history is written, as if it had been its own. */
async function fill(plane: BenchControlPlane, pg: Client, size: HistorySize): Promise<void> {
  const operator = plane.operator();
  await operator.fleet.createCluster({ ...switchingToWire({}), name: benchLog.cluster });
  operator.close();
  await plane.kill();
  const { logSigner } = await openCertificateAuthority({ dir: plane.keysDir, names: [], mayMakeKeys: false });
  await addPatches(pg, Math.ceil(size.entries / 2) + 100);
  say('patches and builds');
  await addEntries(pg, size.entries, logSigner);
  say('entries');
  await addNodes(pg, size.nodes, size.entries);
  await addRollouts(pg, size);
  say('nodes and rollouts');
  await pg.query('ANALYZE');
  await plane.launch();
  await pg.query('SELECT pg_stat_statements_reset()');
}

function table(calls: readonly CallFigures[], queries: readonly HotQuery[]): string {
  const times = new CliTable({ head: ['call', 'p50', 'p99'], style: { head: [] } });
  for (const { call, p50Ms, p99Ms } of calls) times.push([call, `${p50Ms.toFixed(1)} ms`, `${p99Ms.toFixed(1)} ms`]);
  const plans = queries.map(({ query, calls: count, meanMs, plan, scans }) => {
    const warning = scans.length === 0 ? '' : `\n  reads all of ${scans.join(', ')}`;
    return `${meanMs.toFixed(2)} ms, ${count} times: ${query.slice(0, 300)}${warning}\n    ${plan.join('\n    ')}`;
  });
  return [times.toString(), ...plans].join('\n\n');
}

async function main({ times, json, ...size }: Options): Promise<void> {
  using scratch = ScratchDirectory.create('bench-database');
  mkdirSync(scratch.path, { recursive: true });
  await using database = await BenchDatabase.start(scratch.path);
  const pg = new Client({ connectionString: database.url });
  await pg.connect();
  await using plane = await BenchControlPlane.start({
    ...{ dir: scratch.path, bundles: ownBundles, ownBundles, databaseUrl: database.url },
  });
  try {
    const startedAt = performance.now();
    await fill(plane, pg, size);
    say(`filled in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
    const operator = plane.operator();
    const calls = await measureCalls(operator, size, times, say);
    operator.close();
    const queries = await hotQueries(pg, 10);
    const rest = { ...size, rssBytes: plane.peakResidentBytes(), ...(await plane.stopsSince()) };
    console.log(json === true ? JSON.stringify({ ...rest, calls, queries }, null, 2) : table(calls, queries));
  } finally {
    await pg.end();
  }
}

main(readOptions()).catch((error: unknown) => {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
