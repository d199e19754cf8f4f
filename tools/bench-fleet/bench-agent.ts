// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeReport, NodeStatus, type ConnectResponse, type LogEntry } from '@lockstep/contracts/generated';
import { comeBackWithinMs } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { connectAgent, createBackOff, type AgentClient, type AgentSession } from '@lockstep/io/rpc-client';

export const kernelBuild = 'ab'.repeat(20);

export interface BenchIdentity {
  readonly address: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export interface BenchAgentOptions {
  readonly identity: BenchIdentity;
  readonly heartbeatMs: number;
  /** How long its kernel takes to switch. */
  readonly switchMs: number;
  readonly onChange: () => void;
  /** Its session, or its try to connect, ended for this reason. */
  readonly onEnd: (reason: string) => void;
}

const noHash = '0'.repeat(64);
const connectWithinMs = 10_000;
/** A session that lived this long was a good one, as with the real agent. */
const goodSessionMs = 5_000;

function reasonOf(failure: unknown): string {
  if (failure instanceof LockstepError) return failure.reason;
  return failure instanceof Error ? failure.message : 'ended-by-server';
}

/** An agent without a kernel: real mutual TLS, the production back-off, reports as long as a real one's. */
export class BenchAgent {
  private client: AgentClient;
  private wantedCa: string | undefined;
  private session: AgentSession | undefined;
  private readonly entries: LogEntry[] = [];
  private heartbeat: NodeJS.Timeout | undefined;
  private target = 0;
  position = 0;
  /** Sessions that ended without being told to. */
  lost = 0;

  constructor(private readonly options: BenchAgentOptions) {
    this.client = connectAgent(options.identity);
  }

  get headSeq(): number {
    return this.entries.length;
  }

  get isConnected(): boolean {
    return this.session !== undefined;
  }

  /** Comes again for ever, like the real one. */
  async run(): Promise<never> {
    const backOff = createBackOff({ firstMs: 300, maxMs: 15_000 });
    for (;;) {
      const startedAt = performance.now();
      const failure: unknown = await this.converse().catch((error: unknown) => error);
      this.lost += 1;
      this.options.onEnd(reasonOf(failure));
      this.options.onChange();
      if (performance.now() - startedAt > goodSessionMs) backOff.reset();
      await sleep(backOff.nextMs(comeBackWithinMs(failure)));
    }
  }

  private get headHash(): string {
    return this.entries.at(-1)?.hash ?? noHash;
  }

  /** From the next try on. */
  trustOnly(ca: string): void {
    this.wantedCa = ca;
  }

  private async converse(): Promise<void> {
    if (this.wantedCa !== undefined) {
      this.client.close();
      this.client = connectAgent({ ...this.options.identity, ca: this.wantedCa });
      this.wantedCa = undefined;
    }
    await this.client.ready(connectWithinMs);
    const { headSeq, headHash } = this;
    const session = this.client.openSession({
      ...{ agentVersion: 'bench', kernelBuildId: kernelBuild, kernelRelease: '6.1.0-bench', bootId: 'bench' },
      ...{ patchedCore: true, entryVersions: [1, 2, 3], labels: {}, headSeq, headHash },
    });
    this.session = session;
    this.options.onChange();
    this.heartbeat = setInterval(() => {
      this.report();
    }, this.options.heartbeatMs);
    this.report();
    try {
      for await (const { message } of session.messages) this.take(message);
    } finally {
      clearInterval(this.heartbeat);
      this.session = undefined;
      session.close();
    }
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
    const { position, target, headSeq, headHash } = this;
    const isThere = position === target;
    const stack = this.entries.slice(0, position).map(({ body }) => {
      const artifact = body?.$case === 'load' ? body.value.artifact : undefined;
      return {
        moduleName: artifact?.moduleName ?? '',
        enabled: true,
        functions: artifact?.functions ?? [],
        artifactSha256: artifact?.sha256 ?? '',
      };
    });
    this.session?.report(
      NodeReport.fromPartial({
        ...{ position, target, headSeq, headHash, stack, bootId: 'bench' },
        status: isThere ? NodeStatus.NODE_STATUS_IN_STEP : NodeStatus.NODE_STATUS_MOVING,
      }),
    );
  }
}
