// SPDX-License-Identifier: GPL-2.0-only
import {
  NodeStatus,
  ProbeVerdict,
  type ConnectResponse,
  type Hello,
  type HeardHead,
  type KernelTrouble,
  type LoadedPatch,
  type LogEntry,
  type NodeReport,
  type NodeTrust,
  type ProbeOrder,
  type ProbeResult,
  type Problem,
} from '@lockstep/contracts/generated';
import { parseKernelBuildId } from '@lockstep/domain/livepatch-model';
import type { AgentClient, AgentSession } from '@lockstep/io/rpc-client';

export const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const zeroHash = '0'.repeat(64);

/** An agent without a kernel: takes the log, and reports whatever its test says. */
export class TestAgent {
  readonly seqs: number[] = [];
  /** What it tells when it is asked for what it knows. */
  entries: readonly LogEntry[] = [];
  headSeq = 0;
  headHash = zeroHash;
  target = 0;
  /** Moves as soon as it is told; otherwise it only notes the target, until it is to `obey` again. */
  obedient = true;
  status = NodeStatus.NODE_STATUS_IN_STEP;
  problem: Problem | undefined;
  trouble: KernelTrouble | undefined;
  heardHead: HeardHead | undefined;
  /** Whom it says that it trusts. */
  trust: NodeTrust | undefined;
  /** What it was ordered to probe. */
  probeOrder: ProbeOrder | undefined;
  /** What each probe comes to where it stands; nothing: it says nothing of them. */
  verdict: ProbeVerdict | undefined = ProbeVerdict.PROBE_VERDICT_PASS;
  /** It reports what a kernel at its position would hold; otherwise nothing. */
  showsStack = false;
  /** Loaded by hand. */
  foreign: LoadedPatch[] = [];
  /** What it was told to unload. */
  readonly repaired: string[] = [];
  private readonly loaded = new Map<number, LoadedPatch>();
  /** Its journal is damaged: it takes nothing in. */
  isDamaged = false;
  position = 0;
  ended: Promise<unknown> = Promise.resolve();
  private session: AgentSession | undefined;

  /** @param client may be another control plane's, from the next connection on */
  constructor(public client: AgentClient) {}

  connect(hello: Partial<Hello> = {}): this {
    const { headSeq, headHash } = this;
    this.session = this.client.openSession({
      ...{
        agentVersion: 'test',
        kernelBuildId: kernelBuild,
        kernelRelease: '6.1.0-test',
        bootId: 'boot',
        patchedCore: false,
        entryVersions: [1, 2, 3],
        labels: {},
      },
      ...{ headSeq, headHash, ...hello },
    });
    this.ended = this.listen(this.session).then(
      () => undefined,
      (error: unknown) => error,
    );
    this.report();
    return this;
  }

  report(over: Partial<NodeReport> = {}): void {
    const { status, problem, position, target, headSeq, headHash } = this;
    this.session?.report({
      status,
      position,
      target,
      headSeq,
      headHash,
      stack: [...(this.showsStack ? this.stackAt(position) : []), ...this.foreign],
      kernelConflicts: [],
      obstacles: [],
      quarantine: undefined,
      lastTransition: undefined,
      problem,
      bootId: '',
      kept: [],
      trouble: this.trouble,
      probes: this.probed(),
      heardHead: this.heardHead,
      trust: this.trust,
      ...over,
    });
  }

  private probed(): ProbeResult[] {
    const { verdict, position, probeOrder } = this;
    if (verdict === undefined) return [];
    return (probeOrder?.probes ?? []).map((probe) => ({ probe, verdict, message: 'it says so', position, inARow: 3 }));
  }

  private stackAt(position: number): LoadedPatch[] {
    return [...this.loaded].flatMap(([seq, patch]) => (seq <= position ? [patch] : []));
  }

  private learn({ seq, body }: LogEntry): void {
    if (body?.$case === 'retire') this.loaded.delete(body.value.retires);
    const artifact = body?.$case === 'load' ? body.value.artifact : undefined;
    if (artifact === undefined) return;
    const { moduleName, sha256: artifactSha256 } = artifact;
    this.loaded.set(seq, { moduleName, enabled: true, transition: false, functions: [], artifactSha256 });
  }

  disconnect(): void {
    this.session?.close();
  }

  /** Does what it was told meanwhile, too. */
  obey(): void {
    this.obedient = true;
    this.arrive();
    this.report();
  }

  private arrive(): void {
    this.position = this.target;
    if (this.status === NodeStatus.NODE_STATUS_MOVING) this.status = NodeStatus.NODE_STATUS_IN_STEP;
  }

  rejection: string | undefined;

  private async listen({ messages }: AgentSession): Promise<void> {
    for await (const { message } of messages) this.take(message);
  }

  private take(message: ConnectResponse['message']): void {
    if (this.isDamaged) {
      // It looks, and says what is wrong.
    } else if (message?.$case === 'extension') {
      for (const entry of message.value.entries) this.learn(entry);
      for (const { seq, hash } of message.value.entries) {
        this.seqs.push(seq);
        this.headSeq = seq;
        this.headHash = hash;
      }
    } else if (message?.$case === 'moveTo') {
      this.target = Math.max(this.target, message.value.seq);
      if (this.obedient) this.arrive();
      else this.status = NodeStatus.NODE_STATUS_MOVING;
    } else if (message?.$case === 'entriesWanted') {
      const { afterSeq } = message.value;
      this.session?.tellEntries({ entries: this.entries.filter(({ seq }) => seq > afterSeq).slice(0, 1) });
    } else if (message?.$case === 'probes') {
      this.probeOrder = message.value;
    } else if (message?.$case === 'repair') {
      this.repaired.push(...message.value.modules);
    } else if (message?.$case === 'rejection') {
      this.rejection = message.value.problem?.reason;
    }
    this.report();
  }
}
