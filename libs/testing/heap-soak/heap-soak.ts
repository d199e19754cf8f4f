// SPDX-License-Identifier: GPL-2.0-only
import { switchingToWire } from '@lockstep/contracts/wire';
import type { OperatorClient } from '@lockstep/io/rpc-client';
import { ProbedControlPlane } from './probed-control-plane';
import { ReportingAgent, type ReportingStream } from './reporting-agent';

/** One way to report, and what it left behind. */
export interface SoakPhase {
  readonly name: 'one connection' | 'connections that come and go';
  readonly connections: number;
  readonly reports: number;
  readonly heapBeforeBytes: number;
  readonly heapAfterBytes: number;
  readonly heapGrowthBytes: number;
  readonly bytesPerReport: number;
}

export interface SoakOptions {
  /** Gets the control plane's state and its log. */
  readonly dir: string;
  /** Where the built programs are. */
  readonly bundles: string;
  /** Sent before anything is measured: what a process makes once is compiled code, caches, pools. */
  readonly warmUpReports: number;
  /** Connections that come and go before anything is measured. */
  readonly warmUpVisits: number;
  readonly onSent?: (sent: number, total: number) => void;
}

/** A real control plane that is sent reports over real streams, and asked what it keeps of them. */
export class HeapSoak implements AsyncDisposable {
  private next = 0;

  private constructor(
    private readonly plane: ProbedControlPlane,
    private readonly operator: OperatorClient,
    private readonly options: SoakOptions,
  ) {}

  static async start(options: SoakOptions): Promise<HeapSoak> {
    const plane = await ProbedControlPlane.start(options.dir, options.bundles);
    const soak = new HeapSoak(plane, plane.operator(), options);
    try {
      await soak.operator.fleet.createCluster({ ...switchingToWire({}), name: 'soak' });
      return soak;
    } catch (error) {
      await soak[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** All of them on one stream, which still lives when it is measured: what is kept until its end counts. */
  async oneConnection(reports: number): Promise<SoakPhase> {
    const stream = (await this.enrol()).connect();
    try {
      await this.send(stream, this.options.warmUpReports, 0, 0);
      return await this.measured('one connection', 1, reports, () => this.send(stream, reports, 0, reports));
    } finally {
      stream.close();
    }
  }

  /** One after another, each a node of its own; all have gone when it is measured. */
  async comeAndGo(connections: number, reports: number): Promise<SoakPhase> {
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
    for (const agent of agents.slice(0, this.options.warmUpVisits)) await visit(agent, 0);
    return this.measured('connections that come and go', connections, each * connections, async () => {
      for (const [index, agent] of agents.entries()) await visit(agent, index * each);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.operator.close();
    await this.plane[Symbol.asyncDispose]();
  }

  private async measured(
    name: SoakPhase['name'],
    connections: number,
    reports: number,
    work: () => Promise<void>,
  ): Promise<SoakPhase> {
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
      if (total > 0) this.options.onSent?.(before + sent, total);
    });
  }
}
