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
import { ReportingAgent, reportNumber, type ReportingStream } from './reporting-agent';

const limitBytes = 5 * 1024 * 1024;
/** What a process makes once: compiled code, caches, pools. */
const warmUpReports = 1_000;
const warmUpVisits = 5;
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

  /** All of them on one stream, which still lives when it is measured: what is kept until its end counts. */
  async oneConnection(reports: number): Promise<Phase> {
    const stream = (await this.enrol()).connect();
    try {
      await this.send(stream, warmUpReports, 0, 0);
      return await this.measured('one connection', 1, reports, () => this.send(stream, reports, 0, reports));
    } finally {
      stream.close();
    }
  }

  /** One after another, each a node of its own; all have gone when it is measured. */
  async comeAndGo(connections: number, reports: number): Promise<Phase> {
    const agents: ReportingAgent[] = [];
    for (let index = 0; index < connections; index += 1) agents.push(await this.enrol());
    const each = Math.ceil(reports / connections);
    const visit = async (agent: ReportingAgent, before: number): Promise<void> => {
      const stream = agent.connect();
      try {
        await this.send(stream, each, before, each * connections);
      } finally {
        stream.close();
      }
    };
    for (const agent of agents.slice(0, warmUpVisits)) await visit(agent, 0);
    return this.measured('connections that come and go', connections, each * connections, async () => {
      for (const [index, agent] of agents.entries()) await visit(agent, index * each);
    });
  }

  private async measured(
    name: Phase['name'],
    connections: number,
    reports: number,
    work: () => Promise<void>,
  ): Promise<Phase> {
    const heapBeforeBytes = await this.plane.heapBytes();
    await work();
    const heapAfterBytes = await this.plane.heapBytes();
    const heapGrowthBytes = heapAfterBytes - heapBeforeBytes;
    const bytesPerReport = Math.round((10 * heapGrowthBytes) / reports) / 10;
    return { name, connections, reports, heapBeforeBytes, heapAfterBytes, heapGrowthBytes, bytesPerReport };
  }

  private enrol(): Promise<ReportingAgent> {
    this.next += 1;
    return ReportingAgent.enrol(this.plane, this.operator, `n${this.next}`);
  }

  /** @param before how many of `total` were sent already */
  private async send(stream: ReportingStream, count: number, before: number, total: number): Promise<void> {
    const from = this.next;
    this.next += count;
    await stream.send(from, count, (sent) => {
      this.signal.throwIfAborted();
      if (total > 0) this.progress.update('reports sent', before + sent, total);
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
    await progress.run('one connection', () => run.oneConnection(reports), tell),
    await progress.run(`${connections} connections that come and go`, () => run.comeAndGo(connections, reports), tell),
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
