// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import type { Hello } from '@lockstep/contracts/generated';
import { reportToWire } from '@lockstep/contracts/wire';
import {
  ArtifactFiles,
  openAgentJournal,
  readShutdownMarks,
  withdrawShutdownMark,
  type AgentJournal,
} from '@lockstep/io/agent-journal';
import { createLogVerifier } from '@lockstep/io/certificates';
import type { KernelIdentity, LivepatchKernel } from '@lockstep/io/livepatch-sysfs';
import { noLabels, type Labels } from '@lockstep/domain/labels';
import { readableEntryVersions, type LogChecks } from '@lockstep/domain/load-order';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import {
  entryNotReadable,
  journalDamaged,
  journalNotReadable,
  type BootFacts,
  type NodeView,
  type Problem,
} from '@lockstep/domain/node-state';
import { makeFolder, sha256OfBytes, type FileLock } from '@lockstep/platform/runtime';
import { ControlLink } from './control-link';
import { DamagedNode } from './damaged-node';
import { defaultHoldFile } from './hold';
import type { Machine } from './job-runner';
import { MetricsFile } from './metrics-file';
import type { Log } from './logger';
import { NodeBrain } from './node-brain';
import type { NodeMind } from './node-mind';
import { NodeTraces } from './node-traces';
import { enrolNode, keepIdentity, readIdentity, type Enrolment, type NodeIdentity } from './node-identity';
import { sayShutdown } from './say-shutdown';
import { claimStateDir } from './single-instance';
import type { BuildPolicy } from './vouch';

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
  /** What the machine says of itself, by which operators choose nodes. */
  readonly labels?: Labels;
  /** Where to write the node's numbers for node_exporter; nowhere if undefined. */
  readonly metricsFile?: string;
  /** Who must have built what is loaded; undefined: whatever the log orders is loaded. */
  readonly buildPolicy?: BuildPolicy;
  /** How often to look for livepatches loaded by others (default 5 s). */
  readonly lookEveryMs?: number;
  /** How often to report without news, and to write the metrics file (default 15 s). */
  readonly heartbeatMs?: number;
  /** Called when the agent cannot go on; the process should end and be started again. */
  readonly onFatal: (error: unknown) => void;
}

const defaultLookEveryMs = 5_000;
const defaultHeartbeatMs = 15_000;
/**
 * A transition may take a minute; leaving it alone is safe, the next life of the agent waits for it. A machine that is shut
 * down has much to do at once, and without the mark its next boot takes this for a crash.
 */
const stopWithinMs = { 'agent-stops': 2_000, 'machine-stops': 20_000 } as const;

const isDamage = (journal: AgentJournal | Problem): journal is Problem => 'reason' in journal;

/** A journal that does not verify, or that a newer agent wrote, as the problem to report. @throws whatever else kept it from being opened. */
function damageOf(error: unknown): Problem {
  if (error instanceof LockstepError && error.kind === 'corrupt') {
    return { reason: journalDamaged, message: error.message };
  }
  if (!(error instanceof LockstepError) || error.reason !== entryNotReadable) throw error;
  const message = `A newer agent wrote this node's journal, and nothing is done with it. ${error.message}`;
  return { reason: journalNotReadable, message };
}

/** One node: `create`, `start`, `stop`. */
export class NodeAgent {
  private readonly abort = new AbortController();
  private mind: NodeMind | undefined;
  private link: ControlLink | undefined;
  private metrics: MetricsFile | undefined;
  private journal: AgentJournal | undefined;
  private claim: FileLock | undefined;
  private starting: Promise<void> = Promise.resolve();

  constructor(private readonly options: NodeAgentOptions) {}

  /** What the node would report now; undefined before it has started. */
  get view(): NodeView | undefined {
    return this.mind?.view;
  }

  /**
   * Enrols if need be, then restores the stack and keeps it, with a control plane or without.
   * With a journal that does not verify it only looks and says so.
   * @throws LockstepError when the node cannot enrol or its identity cannot be trusted; `cancelled` when it was stopped.
   */
  start(): Promise<void> {
    const started = this.bringUp();
    this.starting = started.catch(() => undefined);
    return started;
  }

  /**
   * Also while it starts: then nothing is begun any more.
   * `machine-stops`: the machine is shut down in order, so the next boot need not take the end of this one for a crash.
   * That is not said while a load is under way: nobody would know what it does on the way down.
   */
  async stop(why: keyof typeof stopWithinMs = 'agent-stops'): Promise<void> {
    this.abort.abort(new LockstepError('cancelled', 'stopping', 'The agent was stopped while it started.'));
    const stopped = this.starting
      .then(() => Promise.all([this.link?.stop(), this.mind?.stop(), this.metrics?.stop()]))
      .then(() => true);
    const tooLong = new Promise<false>((resolve) => setTimeout(resolve, stopWithinMs[why], false).unref());
    const isAtRest = await Promise.race([stopped, tooLong]);
    if (why === 'machine-stops' && isAtRest) await sayShutdown(this.options);
    await this.journal?.close();
    await this.claim?.[Symbol.asyncDispose]();
  }

  private async bringUp(): Promise<void> {
    const { stateDir, kernel, log } = this.options;
    await makeFolder(stateDir);
    this.claim = await claimStateDir(stateDir);
    await kernel.recover();
    const running = await kernel.identity();
    const identity = await this.identity();
    const { kernelBuild, bootId } = running;
    this.abort.signal.throwIfAborted();
    await withdrawShutdownMark(stateDir, bootId);
    const boot: BootFacts = { bootId, panicsAtMs: await kernel.panicsAtMs() };
    const checks: LogChecks = { hash: sha256OfBytes, verify: createLogVerifier(identity.logPublicKey) };
    const file = path.join(stateDir, 'journals', `${identity.cluster}-${kernelBuild}.journal`);
    const endedBoots = await readShutdownMarks(stateDir);
    const opened = openAgentJournal(file, { cluster: identity.cluster, kernelBuild }, checks, endedBoots);
    const journal = await opened.catch(damageOf);
    if (!isDamage(journal)) this.journal = journal;
    this.abort.signal.throwIfAborted();
    log('info', 'agent started', {
      node: identity.node,
      cluster: identity.cluster,
      kernelBuild,
      release: running.release,
      patchedCore: running.patchedCore,
      needsBuildSignature: this.options.buildPolicy !== undefined,
      ...(isDamage(journal)
        ? { reason: journal.reason }
        : { head: journal.recorded.entries.length, target: journal.recorded.target }),
    });
    this.run(identity, running, journal, checks, boot);
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
    journal: AgentJournal | Problem,
    checks: LogChecks,
    boot: BootFacts,
  ): void {
    const { options } = this;
    const makeHello = (): Hello => ({
      agentVersion: options.agentVersion,
      kernelBuildId: running.kernelBuild,
      kernelRelease: running.release,
      bootId: running.bootId,
      headSeq: mind.view.headSeq,
      headHash: mind.view.headHash,
      patchedCore: running.patchedCore,
      entryVersions: [...readableEntryVersions],
      labels: Object.fromEntries(options.labels ?? noLabels),
    });
    const traces = new NodeTraces();
    const link = new ControlLink({
      traces,
      identity,
      keepIdentity: (renewed) => keepIdentity(options.stateDir, renewed),
      log: options.log,
      makeHello,
      makeReport: () => reportToWire(mind.view, running.bootId),
      entries: () => mind.entries,
      tell: (event) => mind.tell(event),
      heartbeatMs: options.heartbeatMs ?? defaultHeartbeatMs,
    });
    const machine: Machine = {
      kernel: options.kernel,
      artifacts: new ArtifactFiles(path.join(options.stateDir, 'artifacts')),
      holdFile: options.holdFile ?? defaultHoldFile,
      fetch: (sha256) => link.fetch(sha256),
      policy: options.buildPolicy,
    };
    const onReport = (): void => {
      link.report();
    };
    const common = { machine, log: options.log, lookEveryMs: options.lookEveryMs ?? defaultLookEveryMs, onReport };
    const mind: NodeMind = isDamage(journal)
      ? new DamagedNode({ ...common, problem: journal })
      : new NodeBrain({
          ...common,
          traces,
          journal,
          boot,
          checks,
          onReconnect: () => {
            link.restart();
          },
          onFatal: options.onFatal,
        });
    this.mind = mind;
    this.link = link;
    mind.start();
    link.start();
    this.tellMetrics(mind, link);
  }

  private tellMetrics(mind: NodeMind, link: ControlLink): void {
    const { metricsFile: file, heartbeatMs: everyMs = defaultHeartbeatMs, agentVersion, log } = this.options;
    if (file === undefined) return;
    const facts = () => ({ view: mind.view, isConnected: link.isConnected, agentVersion });
    this.metrics = new MetricsFile({ file, facts, everyMs, log });
    this.metrics.start();
  }
}
