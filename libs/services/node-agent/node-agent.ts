// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import type { Hello } from '@lockstep/contracts/generated';
import { reportToWire } from '@lockstep/contracts/wire';
import {
  ArtifactFiles,
  markShutdown,
  openAgentJournal,
  readShutdownMarks,
  withdrawShutdownMark,
  type AgentJournal,
} from '@lockstep/io/agent-journal';
import { createLogVerifier } from '@lockstep/io/certificates';
import type { KernelIdentity, LivepatchKernel } from '@lockstep/io/livepatch-sysfs';
import { readableEntryVersions, type LogChecks } from '@lockstep/domain/load-order';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { BootFacts, NodeView } from '@lockstep/domain/node-state';
import { makeFolder, sha256OfBytes, type FileLock } from '@lockstep/platform/runtime';
import { ControlLink } from './control-link';
import { defaultHoldFile } from './hold';
import type { Machine } from './job-runner';
import type { Log } from './logger';
import { NodeBrain } from './node-brain';
import { enrolNode, readIdentity, type Enrolment, type NodeIdentity } from './node-identity';
import { claimStateDir } from './single-instance';
import { timeOfDayMs } from './time-of-day';

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
  /** While this file is there the agent only looks (default /etc/lockstep/hold). */
  readonly holdFile?: string;
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
  private bootId: string | undefined;
  private claim: FileLock | undefined;

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
    const { kernelBuild, bootId } = running;
    this.bootId = bootId;
    await withdrawShutdownMark(stateDir, bootId);
    const boot: BootFacts = { bootId, panicsAtMs: await kernel.panicsAtMs() };
    const checks: LogChecks = { hash: sha256OfBytes, verify: createLogVerifier(identity.logPublicKey) };
    const file = path.join(stateDir, 'journals', `${identity.cluster}-${kernelBuild}.journal`);
    const endedBoots = await readShutdownMarks(stateDir);
    this.journal = await openAgentJournal(file, { cluster: identity.cluster, kernelBuild }, checks, endedBoots);
    log('info', 'agent started', {
      node: identity.node,
      cluster: identity.cluster,
      kernelBuild,
      release: running.release,
      patchedCore: running.patchedCore,
      head: this.journal.recorded.entries.length,
      target: this.journal.recorded.target,
    });
    this.run(identity, running, this.journal, checks, boot);
  }

  /**
   * `machine-stops`: the machine is shut down in order, so the next boot need not take the end of this one for a crash.
   * That is not said while a load is under way: nobody would know what it does on the way down.
   */
  async stop(why: 'agent-stops' | 'machine-stops' = 'agent-stops'): Promise<void> {
    this.abort.abort();
    const { brain, link, bootId } = this;
    const stopped = Promise.all([link?.stop(), brain?.stop()]).then(() => true);
    const tooLong = new Promise<false>((resolve) => setTimeout(resolve, stopTimeoutMs, false).unref());
    const isAtRest = await Promise.race([stopped, tooLong]);
    if (why === 'machine-stops' && isAtRest && bootId !== undefined) {
      await markShutdown(this.options.stateDir, { bootId, atMs: timeOfDayMs() });
    }
    await this.journal?.close();
    await this.claim?.[Symbol.asyncDispose]();
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

  private run(
    identity: NodeIdentity,
    running: KernelIdentity,
    journal: AgentJournal,
    checks: LogChecks,
    boot: BootFacts,
  ): void {
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
      makeReport: () => reportToWire(brain.view, running.bootId),
      entries: () => brain.entries,
      tell: (event) => brain.tell(event),
      heartbeatMs: options.heartbeatMs ?? defaultHeartbeatMs,
    });
    const machine: Machine = {
      kernel: options.kernel,
      artifacts: new ArtifactFiles(path.join(options.stateDir, 'artifacts')),
      holdFile: options.holdFile ?? defaultHoldFile,
      fetch: (sha256) => link.fetch(sha256),
    };
    const brain = new NodeBrain({
      journal,
      boot,
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
