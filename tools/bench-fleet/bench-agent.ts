// SPDX-License-Identifier: GPL-2.0-only
import { createSecureContext, type SecureContext } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ConnectRequest,
  ConnectResponse,
  Hello,
  NodeReport,
  NodeStatus,
  type LogEntry,
} from '@lockstep/contracts/generated';
import { comeBackWithinMs } from '@lockstep/contracts/wire';
import type { LockstepError } from '@lockstep/domain/livepatch-model';
import { agentBackOff, createBackOff, isLastingRefusal } from '@lockstep/io/rpc-client';
import { BenchStream, framed } from './bench-stream';

export const kernelBuild = 'ab'.repeat(20);

export interface BenchIdentity {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export interface BenchAgentOptions {
  readonly identity: BenchIdentity;
  /** Its address. */
  readonly from: string;
  readonly heartbeatMs: number;
  /** How long its kernel takes to switch. */
  readonly switchMs: number;
  readonly onChange: () => void;
  /** Its session, or its try to connect, ended for this reason, or nearly did. */
  readonly onEnd: (reason: string) => void;
}

const noHash = '0'.repeat(64);
/** As the real agent's (`node-agent/control-link`). */
const connectWithinMs = 60_000;
/** A session that lived this long was a good one, as with the real agent. */
const goodSessionMs = 5_000;

/** Of one that was not reached, or is no more, what happened, without ports and times. */
function endingOf({ reason, message }: LockstepError, hadBegun: boolean): string {
  const what = reason === 'server-unreachable' ? message.replace(/\s*\d.*$/, '') : reason;
  return hadBegun ? what : `try: ${what}`;
}

const frameOf = (message: ConnectRequest['message']): Buffer => framed(ConnectRequest.encode({ message }).finish());

/** All agents are sent the same bytes: they are read once. */
class LastRead {
  private bytes = Buffer.alloc(0);
  private response: ConnectResponse | undefined;

  read(bytes: Buffer): ConnectResponse {
    if (this.response === undefined || !this.bytes.equals(bytes)) {
      this.response = ConnectResponse.decode(bytes);
      this.bytes = Buffer.from(bytes);
    }
    return this.response;
  }
}

const lastRead = new LastRead();

interface Standing {
  readonly position: number;
  readonly target: number;
  readonly entries: readonly LogEntry[];
}

/** What agents that stand alike say is the same but for who says it, which is not in it: it is written once. */
const reports = new Map<string, Buffer>();

function reportOf({ position, target, entries }: Standing): Buffer {
  const headSeq = entries.length;
  const headHash = entries.at(-1)?.hash ?? noHash;
  const key = `${position} ${target} ${headSeq} ${headHash}`;
  const known = reports.get(key);
  if (known !== undefined) return known;
  const stack = entries.slice(0, position).map(({ body }) => {
    const artifact = body?.$case === 'load' ? body.value.artifact : undefined;
    return {
      moduleName: artifact?.moduleName ?? '',
      enabled: true,
      functions: artifact?.functions ?? [],
      artifactSha256: artifact?.sha256 ?? '',
    };
  });
  const status = position === target ? NodeStatus.NODE_STATUS_IN_STEP : NodeStatus.NODE_STATUS_MOVING;
  const value = NodeReport.fromPartial({ position, target, headSeq, headHash, stack, bootId: 'bench', status });
  const frame = frameOf({ $case: 'report', value });
  reports.set(key, frame);
  return frame;
}

function helloOf(entries: readonly LogEntry[]): Buffer {
  const value = Hello.fromPartial({
    ...{ agentVersion: 'bench', kernelBuildId: kernelBuild, kernelRelease: '6.1.0-bench', bootId: 'bench' },
    ...{ patchedCore: true, entryVersions: [1, 2, 3], labels: {} },
    ...{ headSeq: entries.length, headHash: entries.at(-1)?.hash ?? noHash },
  });
  return frameOf({ $case: 'hello', value });
}

/** An agent without a kernel: real mutual TLS, the production back-off, reports as long as a real one's. */
export class BenchAgent {
  private context: SecureContext | undefined;
  private ca: string;
  private stream: BenchStream | undefined;
  private readonly entries: LogEntry[] = [];
  private heartbeat: NodeJS.Timeout | undefined;
  private target = 0;
  position = 0;
  isConnected = false;
  /** Sessions that ended without being told to. */
  lost = 0;
  /** Connections that came to stand. */
  begun = 0;

  constructor(private readonly options: BenchAgentOptions) {
    this.ca = options.identity.ca;
  }

  get headSeq(): number {
    return this.entries.length;
  }

  /** Comes again for ever, like the real one. */
  async run(): Promise<never> {
    const backOff = createBackOff(agentBackOff);
    for (;;) {
      const startedAt = performance.now();
      const begunBefore = this.begun;
      const failure = await this.converse();
      this.lost += 1;
      this.options.onEnd(endingOf(failure, this.begun > begunBefore));
      this.options.onChange();
      if (performance.now() - startedAt > goodSessionMs) backOff.reset();
      await sleep(backOff.nextMs(comeBackWithinMs(failure), isLastingRefusal(failure)));
    }
  }

  /** From the next try on. */
  trustOnly(ca: string): void {
    this.ca = ca;
    this.context = undefined;
  }

  /** Until the session ends. @returns why it did. */
  private converse(): Promise<LockstepError> {
    const { host, port, certificate: cert, key } = this.options.identity;
    this.context ??= createSecureContext({ ca: this.ca, cert, key });
    const { from } = this.options;
    const place = { host, port, from, context: this.context, withinMs: connectWithinMs };
    return new Promise((resolve) => {
      const stream = new BenchStream(place, {
        onConnect: () => {
          this.begin(stream);
        },
        onMessage: (bytes) => {
          this.take(lastRead.read(bytes).message);
        },
        onLateLook: () => {
          this.options.onEnd('none: a ping was answered and not looked at in time');
        },
        onEnd: (error) => {
          clearInterval(this.heartbeat);
          this.stream = undefined;
          this.isConnected = false;
          resolve(error);
        },
      });
    });
  }

  private begin(stream: BenchStream): void {
    this.stream = stream;
    this.isConnected = true;
    this.begun += 1;
    stream.send(helloOf(this.entries));
    this.report();
    this.heartbeat = setInterval(() => {
      this.report();
    }, this.options.heartbeatMs);
    this.options.onChange();
  }

  private take(message: ConnectResponse['message']): void {
    if (message?.$case === 'extension') {
      this.entries.push(...message.value.entries.filter(({ seq }) => seq > this.headSeq));
      this.report();
    } else if (message?.$case === 'moveTo' && message.value.seq > this.target) {
      this.target = message.value.seq;
      this.report();
      setTimeout(() => {
        this.position = this.target;
        this.report();
        this.options.onChange();
      }, this.options.switchMs);
    }
    this.options.onChange();
  }

  private report(): void {
    const { position, target, entries } = this;
    this.stream?.send(reportOf({ position, target, entries }));
  }
}
