// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { NodeReport } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import type { OperatorClient } from '@lockstep/io/rpc-client';
import { ProgressLine } from '../progress/progress-line';
import { ProbedControlPlane } from './probed-control-plane';
import { ReportingAgent, reportNumber } from './reporting-agent';

const limitBytes = 5 * 1024 * 1024;
/** What a process makes once: compiled code, caches, pools. */
const warmUpReports = 1_000;
const megabyte = 1024 * 1024;

interface Options {
  readonly reports: number;
  readonly connections: number;
  readonly json?: boolean;
}

/** One way to report, and what it left behind. */
interface Phase {
  readonly name: 'one connection' | 'connections that come and go';
  readonly connections: number;
  readonly reports: number;
  readonly heapBeforeBytes: number;
  readonly heapAfterBytes: number;
  readonly heapGrowthBytes: number;
  readonly bytesPerReport: number;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Use a whole number from 1.');
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

class Soak {
  private next = 0;

  constructor(
    private readonly plane: ProbedControlPlane,
    private readonly operator: OperatorClient,
    private readonly progress: ProgressLine,
    private readonly signal: AbortSignal,
  ) {}

  /** Sends what is asked for over connections one after another, each a node of its own. */
  async phase(name: Phase['name'], connections: number, reports: number): Promise<Phase> {
    const agents: ReportingAgent[] = [];
    for (let index = 0; index < connections; index += 1) agents.push(await this.enrol());
    for (const agent of agents.slice(0, 5)) await this.send(agent, Math.ceil(warmUpReports / 5), () => undefined);
    const heapBeforeBytes = await this.plane.heapBytes();
    const each = Math.ceil(reports / connections);
    for (const [index, agent] of agents.entries()) {
      await this.send(agent, each, (sent) => {
        this.progress.update('reports sent', index * each + sent, each * connections);
      });
    }
    const heapAfterBytes = await this.plane.heapBytes();
    const heapGrowthBytes = heapAfterBytes - heapBeforeBytes;
    const total = each * connections;
    const bytesPerReport = Math.round((10 * heapGrowthBytes) / total) / 10;
    return { name, connections, reports: total, heapBeforeBytes, heapAfterBytes, heapGrowthBytes, bytesPerReport };
  }

  private enrol(): Promise<ReportingAgent> {
    this.next += 1;
    return ReportingAgent.enrol(this.plane, this.operator, `n${this.next}`);
  }

  private async send(agent: ReportingAgent, count: number, onSent: (sent: number) => void): Promise<void> {
    const from = this.next;
    this.next += count;
    await agent.report(from, count, (sent) => {
      this.signal.throwIfAborted();
      onSent(sent);
    });
  }
}

const tell = ({ heapBeforeBytes, heapAfterBytes, bytesPerReport }: Phase): string =>
  `heap ${(heapBeforeBytes / megabyte).toFixed(1)} -> ${(heapAfterBytes / megabyte).toFixed(1)} MB, ` +
  `${bytesPerReport} bytes a report`;

async function soak(
  { reports, connections, json = false }: Options,
  dir: string,
  signal: AbortSignal,
): Promise<boolean> {
  const progress = new ProgressLine(3, process.stderr);
  await using plane = await progress.run('start a control plane', () =>
    ProbedControlPlane.start(dir, path.resolve(__dirname)),
  );
  const operator = plane.operator();
  await operator.fleet.createCluster({ ...switchingToWire({}), name: 'soak' });
  const run = new Soak(plane, operator, progress, signal);
  const phases = [
    await progress.run('one connection', () => run.phase('one connection', 1, reports), tell),
    await progress.run(
      `${connections} connections that come and go`,
      () => run.phase('connections that come and go', connections, reports),
      tell,
    ),
  ];
  operator.close();
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
