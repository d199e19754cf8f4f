// SPDX-License-Identifier: GPL-2.0-only
import { ConnectResponse, LogEntry as WireEntry } from '@lockstep/contracts/generated';
import { entryToWire, groupsBySize } from '@lockstep/contracts/wire';
import { parseSeq, type Seq } from '@lockstep/domain/livepatch-model';
import type { LogEntry, LogName } from '@lockstep/domain/load-order';
import type { LoadOrderStore } from '@lockstep/io/database';
import type { TraceParent } from '@lockstep/platform/tracing';

/** A message as it leaves: encoded once, and written to every stream that it is for. */
export class EncodedResponse {
  constructor(readonly bytes: Buffer) {}
}

/** Entries that follow one another, up to this one, in a message. */
export interface Extension {
  readonly lastSeq: Seq;
  readonly message: EncodedResponse;
}

const sizeOf = (entry: WireEntry): number => WireEntry.encode(entry).finish().length;

export interface KnownLogsHooks {
  /** Some load order may have new entries. */
  readonly onGrowth?: () => void;
  /** Within what time nodes may fetch the modules of new entries. */
  readonly fetchWithinMs?: () => number;
  /** The trace that an entry was appended in, while that is known. */
  readonly traceOf?: (entry: Pick<LogEntry, 'cluster' | 'kernelBuild' | 'seq'>) => TraceParent | undefined;
}

function* encode(entries: readonly LogEntry[], { traceOf, fetchWithinMs }: KnownLogsHooks): Generator<Extension> {
  for (const part of groupsBySize(entries.map(entryToWire), sizeOf)) {
    const lastSeq = parseSeq(part.at(-1)?.seq ?? 0);
    const last = entries.find(({ seq }) => seq === lastSeq);
    const traceparent = (last && traceOf?.(last)) ?? '';
    const value = { entries: part, traceparent, fetchWithinMs: fetchWithinMs?.() ?? 0 };
    const response: ConnectResponse = { message: { $case: 'extension', value } };
    yield { lastSeq, message: new EncodedResponse(Buffer.from(ConnectResponse.encode(response).finish())) };
  }
}

/** Nodes of one log lack the same few beginnings; what others lack is encoded again. */
const mostBeginnings = 8;

/** One load order: only ever grows, so what is known of it stays true. */
class KnownLog {
  private readonly entries: LogEntry[] = [];
  /** By the seq that they follow; most nodes lack the same. */
  private readonly extensions = new Map<number, readonly Extension[]>();
  private reading: Promise<void> | undefined;
  private mayHaveGrown = true;

  constructor(
    readonly name: LogName,
    private readonly store: Pick<LoadOrderStore, 'entries'>,
    private readonly hooks: KnownLogsHooks,
  ) {}

  noteGrowth(): void {
    this.mayHaveGrown = true;
  }

  async read(): Promise<readonly LogEntry[]> {
    while (this.mayHaveGrown || this.reading !== undefined) {
      this.reading ??= this.readOn().finally(() => {
        this.reading = undefined;
      });
      await this.reading;
    }
    return this.entries;
  }

  /** Without asking anybody. */
  get known(): readonly LogEntry[] {
    return this.entries;
  }

  async extensionsAfter(seq: number): Promise<readonly Extension[]> {
    const entries = await this.read();
    const known = this.extensions.get(seq);
    if (known !== undefined) return known;
    const extensions = [...encode(entries.slice(seq), this.hooks)];
    const [oldest] = this.extensions.keys();
    if (oldest !== undefined && this.extensions.size >= mostBeginnings) this.extensions.delete(oldest);
    this.extensions.set(seq, extensions);
    return extensions;
  }

  private async readOn(): Promise<void> {
    this.mayHaveGrown = false;
    try {
      const more = await this.store.entries(this.name, this.entries.length);
      if (more.length > 0) this.extensions.clear();
      this.entries.push(...more);
    } catch (error) {
      this.mayHaveGrown = true;
      throw error;
    }
  }
}

export const keyOfLog = ({ cluster, kernelBuild }: LogName): string => `${cluster} ${kernelBuild}`;

/** How the trace that appended an entry is remembered. */
export const traceOfEntry = ({ seq, ...log }: LogName & { readonly seq: number }): string =>
  `entry ${keyOfLog(log)} ${seq}`;

/** The load orders that somebody has asked for, read once each. Who appends says so. */
export class KnownLogs {
  private readonly logs = new Map<string, KnownLog>();

  constructor(
    private readonly store: Pick<LoadOrderStore, 'entries'>,
    private readonly hooks: KnownLogsHooks = {},
  ) {}

  /** There may be new entries. */
  noteGrowth(log: LogName): void {
    this.logs.get(keyOfLog(log))?.noteGrowth();
    this.hooks.onGrowth?.();
  }

  /** Those that are known. */
  names(): LogName[] {
    return [...this.logs.values()].map(({ name }) => name);
  }

  /** All entries, in order. */
  entries(log: LogName): Promise<readonly LogEntry[]> {
    return this.logOf(log).read();
  }

  /** Those that are known already, without asking anybody. */
  knownEntries(log: LogName): readonly LogEntry[] {
    return this.logs.get(keyOfLog(log))?.known ?? [];
  }

  /** Seq of the last entry; 0 without one. */
  async head(log: LogName): Promise<Seq> {
    return parseSeq((await this.entries(log)).length);
  }

  /** What to send to a node that has the entries up to this one. */
  extensionsAfter(log: LogName, seq: number): Promise<readonly Extension[]> {
    return this.logOf(log).extensionsAfter(seq);
  }

  private logOf(log: LogName): KnownLog {
    const key = keyOfLog(log);
    const known = this.logs.get(key) ?? new KnownLog(log, this.store, this.hooks);
    this.logs.set(key, known);
    return known;
  }
}
