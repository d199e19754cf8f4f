// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import type { Hello } from '@lockstep/contracts/generated';
import { reportToWire } from '@lockstep/contracts/wire';
import { ArtifactFiles, openAgentJournal, type AgentJournal } from '@lockstep/io/agent-journal';
import { createLogVerifier } from '@lockstep/io/certificates';
import type { KernelIdentity, LivepatchKernel } from '@lockstep/io/livepatch-sysfs';
import { readableEntryVersions, type LogChecks } from '@lockstep/domain/load-order';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { NodeView } from '@lockstep/domain/node-state';
import { makeFolder, sha256OfBytes } from '@lockstep/platform/runtime';
import { ControlLink } from './control-link';
import type { Machine } from './job-runner';
import type { Log } from './logger';
import { NodeBrain } from './node-brain';
import { enrolNode, readIdentity, type Enrolment, type NodeIdentity } from './node-identity';
import { claimStateDir } from './single-instance';

export interface NodeAgentOptions {
  /** Key, identity, journals and modules; made 0700. */
  readonly stateDir: string;
  readonly kernel: LivepatchKernel;
  /** Needed until the node has enrolled once. */
  readonly enrolment?: Enrolment;
  /** Where the agent port is reached, when not where the control plane said at enrolment. */
  readonly agentAddress?: string;
  readonly agentVersion: string;
  readonly log: Log;
  /** How often to look for livepatches loaded by others (default 5 s). */
  readonly lookEveryMs?: number;
  /** How often to report without news (default 15 s). */
  readonly heartbeatMs?: number;
  /** Called when the agent cannot go on; the process should end and be started again. */
  readonly onFatal: (error: unknown) => void;
}

const defaultLookEveryMs = 5_000;
const defaultHeartbeatMs = 15_000;
/** A transition may take a minute; leaving it alone is safe, the next life of the agent waits for it. */
const stopTimeoutMs = 2_000;

/** One node: `create`, `start`, `stop`. */
export class NodeAgent {
  private readonly abort = new AbortController();
  private brain: NodeBrain | undefined;
  private link: ControlLink | undefined;
  private journal: AgentJournal | undefined;
  private claim: { release(): void } | undefined;

  constructor(private readonly options: NodeAgentOptions) {}

  /** What the node would report now; undefined before it has started. */
  get view(): NodeView | undefined {
    return this.brain?.view;
  }

  /**
   * Enrols if need be, then restores the stack and keeps it, with a control plane or without.
   * @throws LockstepError when the node cannot enrol or its state cannot be trusted.
   */
  async start(): Promise<void> {
    const { stateDir, kernel, log } = this.options;
    await makeFolder(stateDir);
    this.claim = await claimStateDir(stateDir);
    const running = await kernel.identity();
    const identity = await this.identity();
    const { kernelBuild } = running;
    const checks: LogChecks = { hash: sha256OfBytes, verify: createLogVerifier(identity.logPublicKey) };
    const file = path.join(stateDir, 'journals', `${identity.cluster}-${kernelBuild}.journal`);
    this.journal = await openAgentJournal(file, { cluster: identity.cluster, kernelBuild }, checks);
    log('info', 'agent started', {
      node: identity.node,
      cluster: identity.cluster,
      kernelBuild,
      release: running.release,
      patchedCore: running.patchedCore,
      head: this.journal.recorded.entries.length,
      target: this.journal.recorded.target,
    });
    this.run(identity, running, this.journal, checks);
  }

  async stop(): Promise<void> {
    this.abort.abort();
    const { brain, link } = this;
    const stopped = Promise.all([link?.stop(), brain?.stop()]);
    await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, stopTimeoutMs).unref())]);
    await this.journal?.close();
    this.claim?.release();
  }

  private async identity(): Promise<NodeIdentity> {
    const { stateDir, enrolment, agentAddress, log } = this.options;
    const known = await readIdentity(stateDir);
    if (known === undefined && enrolment === undefined) {
      throw new LockstepError(
        'invalid-input',
        'not-enrolled',
        'This node has not enrolled: give it LOCKSTEP_AGENT_SERVER and LOCKSTEP_AGENT_JOIN_TOKEN (lockstep node join).',
      );
    }
    const identity = known ?? (await enrolNode(stateDir, enrolment as Enrolment, log, this.abort.signal));
    return agentAddress === undefined ? identity : { ...identity, agentAddress };
  }

  private run(identity: NodeIdentity, running: KernelIdentity, journal: AgentJournal, checks: LogChecks): void {
    const { options } = this;
    const makeHello = (): Hello => ({
      agentVersion: options.agentVersion,
      kernelBuildId: running.kernelBuild,
      kernelRelease: running.release,
      bootId: running.bootId,
      headSeq: brain.view.headSeq,
      headHash: brain.view.headHash,
      patchedCore: running.patchedCore,
      entryVersions: [...readableEntryVersions],
    });
    const link = new ControlLink({
      identity,
      log: options.log,
      makeHello,
      makeReport: () => reportToWire(brain.view),
      entries: () => brain.entries,
      tell: (event) => brain.tell(event),
      heartbeatMs: options.heartbeatMs ?? defaultHeartbeatMs,
    });
    const machine: Machine = {
      kernel: options.kernel,
      artifacts: new ArtifactFiles(path.join(options.stateDir, 'artifacts')),
      fetch: (sha256) => link.fetch(sha256),
    };
    const brain = new NodeBrain({
      journal,
      checks,
      machine,
      log: options.log,
      lookEveryMs: options.lookEveryMs ?? defaultLookEveryMs,
      onReport: () => {
        link.report();
      },
      onReconnect: () => {
        link.restart();
      },
      onFatal: options.onFatal,
    });
    this.brain = brain;
    this.link = link;
    brain.start();
    link.start();
  }
}
