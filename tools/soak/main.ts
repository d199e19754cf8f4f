// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { NodeReport } from '@lockstep/contracts/generated';
import { HeapSoak, reportNumber, type SoakPhase } from '@lockstep/testing/heap-soak';
import { wholeNumber } from '../command-options/whole-number';
import { ProgressLine } from '../progress/progress-line';

const limitBytes = 5 * 1024 * 1024;
const warmUp = { warmUpReports: 1_000, warmUpVisits: 5 };
const megabyte = 1024 * 1024;

interface Options {
  readonly reports: number;
  readonly connections: number;
  readonly json?: boolean;
}

function readOptions(): Options {
  return new Command('soak')
    .description(
      'what the control plane keeps of the reports it was sent: its heap before and after, over real streams',
    )
    .option('--reports <number>', 'reports in each of the two ways', wholeNumber, 20_000)
    .option('--connections <number>', 'connections of the second way', wholeNumber, 50)
    .option('--json', 'print one JSON document at the end')
    .parse()
    .opts<Options>();
}

const tell = ({ heapBeforeBytes, heapAfterBytes, bytesPerReport }: SoakPhase): string =>
  `heap ${(heapBeforeBytes / megabyte).toFixed(1)} -> ${(heapAfterBytes / megabyte).toFixed(1)} MB, ` +
  `${bytesPerReport} bytes a report`;

async function soak(
  { reports, connections, json = false }: Options,
  dir: string,
  signal: AbortSignal,
): Promise<boolean> {
  const progress = new ProgressLine(3, process.stderr);
  const onSent = (sent: number, total: number): void => {
    signal.throwIfAborted();
    progress.update('reports sent', sent, total);
  };
  await using run = await progress.run('start a control plane', () =>
    HeapSoak.start({ dir, bundles: path.resolve(__dirname), ...warmUp, onSent }),
  );
  const phases = [
    await progress.run('one connection', () => run.oneConnection(reports), tell),
    await progress.run(`${connections} connections that come and go`, () => run.comeAndGo(connections, reports), tell),
  ];
  const worst = phases.reduce((a, b) => (a.heapGrowthBytes > b.heapGrowthBytes ? a : b));
  const passed = worst.heapGrowthBytes < limitBytes;
  const document = {
    reports: phases.reduce((sum, phase) => sum + phase.reports, 0),
    reportBytes: NodeReport.encode(reportNumber(0)).finish().length,
    heapGrowthBytes: worst.heapGrowthBytes,
    bytesPerReport: worst.bytesPerReport,
    limitBytes,
    passed,
    phases,
  };
  if (json) process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  else process.stdout.write(`${passed ? 'passed' : 'FAILED'}: ${tell(worst)}, limit ${limitBytes / megabyte} MB\n`);
  return passed;
}

async function main(options: Options): Promise<number> {
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      interruption.abort(new Error(`ended by ${name}`));
    });
  }
  const dir = await mkdtemp(path.join(tmpdir(), 'lockstep-soak-'));
  try {
    return (await soak(options, dir, interruption.signal)) ? 0 : 1;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

main(readOptions()).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
