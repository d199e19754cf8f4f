// SPDX-License-Identifier: GPL-2.0-only
import type { ConnectResponse, NodeReport, ProbeOrder } from '@lockstep/contracts/generated';
import type { ModuleName, NodeName, Seq } from '@lockstep/domain/livepatch-model';
import type { LogName } from '@lockstep/domain/load-order';
import { isDatabaseAway } from '@lockstep/io/database';
import type { TraceParent } from '@lockstep/platform/tracing';
import { drained, type Drainable } from '../grpc/drained';
import type { EncodedResponse, Extension } from './known-logs';
import type { ToldHead } from './log-heads';
import { lookAgainMs, type NodeSession } from './node-session';
import { streamTurns } from './stream-turns';

/** The sending half of a node's stream. */
export interface AgentStream extends Drainable {
  /** False: the peer is behind, wait for `drain`. */
  write(message: ConnectResponse | EncodedResponse): boolean;
}

export interface AgentSessionOptions {
  readonly node: NodeName;
  readonly log: LogName;
  readonly stream: AgentStream;
  /** Of the boot that the stream comes from. */
  readonly bootId: string;
  /** Of the log the agent has. */
  readonly headSeq: number;
  readonly extensionsAfter: (log: LogName, seq: number) => Promise<readonly Extension[]>;
  /** Where the log ends, signed; the same object again is not told again. */
  readonly headOf: (log: LogName) => Promise<ToldHead | undefined>;
  /** Whom to trust; the same object again is not told again. */
  readonly authorities: () => EncodedResponse | undefined;
  /** Ends the stream with this error. */
  readonly close: (error: unknown) => void;
}

/** A peer that does not read for this long is as good as gone. */
const drainWithinMs = 30_000;

/**
 * What is sent to one node: first the log, then where to move. Nothing is queued: each time it is woken it sends what
 * the agent lacks, at the agent's own pace, so a slow agent costs no memory.
 */
export class AgentSession implements NodeSession {
  readonly node: NodeName;
  readonly log: LogName;
  readonly bootId: string;
  private sentSeq: number;
  private offered: number;
  private toldHead: ToldHead | undefined;
  private toldAuthorities: EncodedResponse | undefined;
  private wantedMove = 0;
  private moveTrace: TraceParent | undefined;
  private sentMove = 0;
  /** Crashes that the node is to be told of. */
  private readonly released = new Set<string>();
  /** Foreign livepatches that the node is to be told to unload. */
  private disowned: readonly ModuleName[] = [];
  private probes: ProbeOrder | undefined;
  private sentProbes: ProbeOrder | undefined;
  private pumping: Promise<void> | undefined;
  private wokenAgain = false;
  private closed = false;

  constructor(private readonly options: AgentSessionOptions) {
    this.node = options.node;
    this.log = options.log;
    this.bootId = options.bootId;
    this.sentSeq = options.headSeq;
    this.offered = options.headSeq;
  }

  /** The last entry that the agent can know: it had it, or it was at least begun to be sent. */
  get offeredSeq(): number {
    return this.offered;
  }

  /** There may be new entries. */
  wake(): void {
    if (this.closed) return;
    this.wokenAgain = true;
    this.pumping ??= this.pump()
      .catch((error: unknown) => {
        if (!isDatabaseAway(error)) this.close(error);
        else setTimeout(this.wake.bind(this), lookAgainMs).unref();
      })
      .finally(() => {
        this.pumping = undefined;
        // Woken between the last look and now.
        if (this.wokenAgain) this.wake();
      });
  }

  /** Tells the node to move; one to where it was told already, or before that, is not repeated. */
  moveTo(seq: Seq, trace?: TraceParent): void {
    if (seq <= this.wantedMove) return;
    this.wantedMove = seq;
    this.moveTrace = trace;
    this.wake();
  }

  /** What crashed in this boot may be loaded again. */
  release(crashedBootId: string): void {
    this.released.add(crashedBootId);
    this.wake();
  }

  /** These, which no entry explains, are to be unloaded. */
  repair(modules: readonly ModuleName[]): void {
    this.disowned = modules;
    this.wake();
  }

  /** The same is not repeated. */
  probe(order: ProbeOrder): void {
    if (JSON.stringify(order) === JSON.stringify(this.probes)) return;
    this.probes = order;
    this.wake();
  }

  seen(report: NodeReport): NodeReport {
    return report;
  }

  close(error: unknown): void {
    if (this.closed) return;
    this.closed = true;
    this.options.close(error);
  }

  private async pump(): Promise<void> {
    while (this.wokenAgain && !this.closed) {
      this.wokenAgain = false;
      await this.sendAuthorities();
      await this.sendEntries();
      await this.sendHead();
      await this.sendMove();
      await this.sendReleases();
      await this.sendRepair();
      await this.sendProbes();
    }
  }

  private async sendAuthorities(): Promise<void> {
    const message = this.options.authorities();
    if (message === undefined || message === this.toldAuthorities) return;
    await this.send(message);
    this.toldAuthorities = message;
  }

  private async sendEntries(): Promise<void> {
    for (const { lastSeq, message } of await this.options.extensionsAfter(this.log, this.sentSeq)) {
      this.offered = lastSeq;
      await this.send(message);
      this.sentSeq = lastSeq;
    }
  }

  /** Only once the agent was sent what leads to it; of a log that has grown meanwhile a later one is told. */
  private async sendHead(): Promise<void> {
    const told = await this.options.headOf(this.log);
    if (told === undefined || told === this.toldHead || told.head.seq !== this.sentSeq) return;
    await this.send(told.message);
    this.toldHead = told;
  }

  /** Never to an entry that the agent was not sent. */
  private async sendMove(): Promise<void> {
    const seq = this.wantedMove;
    if (seq <= this.sentMove || seq > this.sentSeq) return;
    await this.send({ message: { $case: 'moveTo', value: { seq, traceparent: this.moveTrace ?? '' } } });
    this.sentMove = seq;
  }

  private async sendReleases(): Promise<void> {
    for (const crashedBootId of this.released) {
      this.released.delete(crashedBootId);
      await this.send({ message: { $case: 'release', value: { crashedBootId } } });
    }
  }

  private async sendRepair(): Promise<void> {
    const modules = this.disowned;
    if (modules.length === 0) return;
    this.disowned = [];
    await this.send({ message: { $case: 'repair', value: { modules: [...modules] } } });
  }

  private async sendProbes(): Promise<void> {
    const { probes: value } = this;
    if (value === undefined || value === this.sentProbes) return;
    await this.send({ message: { $case: 'probes', value } });
    this.sentProbes = value;
  }

  private async send(message: ConnectResponse | EncodedResponse): Promise<void> {
    const turn = streamTurns.turn();
    if (turn !== undefined) await turn;
    if (this.closed || this.options.stream.write(message)) return;
    const { node } = this;
    await drained(this.options.stream, { reader: `Node ${node}`, withinMs: drainWithinMs, fields: { node } });
  }
}
