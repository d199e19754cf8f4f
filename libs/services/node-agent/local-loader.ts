// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import type { NodeReport } from '@lockstep/contracts/generated';
import { reportToWire } from '@lockstep/contracts/wire';
import {
  ArtifactFiles,
  openAgentJournal,
  readShutdownMarks,
  withdrawShutdownMark,
  type AgentJournal,
  type ArtifactSource,
} from '@lockstep/io/agent-journal';
import { logChecksOf } from '@lockstep/io/certificates';
import type { KernelIdentity, LivepatchKernel } from '@lockstep/io/livepatch-sysfs';
import type { LogChecks, LogEntry, LogKey } from '@lockstep/domain/load-order';
import { LockstepError, type Sha256 } from '@lockstep/domain/livepatch-model';
import type { BootFacts, ControlWord, NodeView, Problem } from '@lockstep/domain/node-state';
import { DamagedNode } from './damaged-node';
import { defaultHoldFile } from './hold';
import type { Machine } from './job-runner';
import { damageOf, isDamage } from './journal-damage';
import { entriesForOneMessage } from './known-entries';
import type { FollowingLoader, Loader, LogAnchor, NetworkSide } from './loader';
import type { Log } from './logger';
import { NodeBrain } from './node-brain';
import type { NodeMind } from './node-mind';
import { keepNewestLogKey, readNewestLogKey } from './newest-log-key';
import { NodeTraces } from './node-traces';
import { timeOfDayMs } from './time-of-day';
import type { BuildPolicy } from './vouch';

export interface LoaderOptions {
  /** Journals, modules and marks of shutdowns; it exists, and nobody else uses it. */
  readonly stateDir: string;
  readonly kernel: LivepatchKernel;
  readonly log: Log;
  /** While this file is there the agent only looks (default /etc/lockstep/hold). */
  readonly holdFile?: string;
  /** Who must have built what is loaded; undefined: whatever the log orders is loaded. */
  readonly buildPolicy?: BuildPolicy;
  /** How often to look for livepatches loaded by others (default 5 s). */
  readonly lookEveryMs?: number;
  /** Of a window in ms, when to begin to fetch what may be loaded later (default: any moment of it). */
  readonly pickFetchMoment?: (windowMs: number) => number;
  /** In which traces loads were asked for, where somebody knows. */
  readonly traces?: NodeTraces;
  /** Once aborted nothing is begun any more. */
  readonly signal: AbortSignal;
  /** Called when it cannot go on; the process should end and be started again. */
  readonly onFatal: (error: unknown) => void;
}

const defaultLookEveryMs = 5_000;

/** What is kept of one log. */
interface Following {
  readonly anchor: LogAnchor;
  readonly mind: NodeMind;
  readonly journal: AgentJournal | Problem;
}

/** Journal, kernel and modules of this machine: restores the stack and keeps it, whether anybody speaks to it or not. */
export class LocalLoader implements Loader, FollowingLoader {
  private beginning: Promise<Following> | undefined;
  private following: Following | undefined;
  private network: NetworkSide | undefined;

  private constructor(
    private readonly options: LoaderOptions,
    readonly running: KernelIdentity,
  ) {}

  /** @throws LockstepError where the kernel has no livepatches. */
  static async create(options: LoaderOptions): Promise<LocalLoader> {
    await options.kernel.recover();
    return new LocalLoader(options, await options.kernel.identity());
  }

  get needsBuildSignature(): boolean {
    return this.options.buildPolicy !== undefined;
  }

  /** What the node would report now; undefined before it follows a log. */
  get view(): NodeView | undefined {
    return this.following?.mind.view;
  }

  get report(): NodeReport {
    return reportToWire(this.mind.view, this.running.bootId, timeOfDayMs());
  }

  /** Restores the stack of this log and keeps it. With a journal that does not verify it only looks and says so. */
  async restore(anchor: LogAnchor): Promise<void> {
    // What failed may go well next time: a key file was restored, a disk has room again.
    this.beginning ??= this.begin(anchor).catch((error: unknown) => {
      this.beginning = undefined;
      throw error;
    });
    this.following = await this.beginning;
    insistSame(this.following.anchor, anchor);
  }

  async follow(anchor: LogAnchor, network: NetworkSide): Promise<FollowingLoader> {
    await this.restore(anchor);
    this.network = network;
    return this;
  }

  tell(word: ControlWord): Promise<void> {
    return this.mind.tell(word);
  }

  entriesAfter(seq: number): Promise<readonly LogEntry[]> {
    return Promise.resolve(entriesForOneMessage(this.mind.entries.slice(seq)));
  }

  /** Begins nothing any more; resolves when no job is under way. */
  async stop(): Promise<void> {
    await this.following?.mind.stop();
  }

  /** After `stop`, or when that took too long: what is not recorded by now is not. */
  async close(): Promise<void> {
    const { following } = this;
    if (following !== undefined && !isDamage(following.journal)) await following.journal.close();
  }

  private get mind(): NodeMind {
    if (this.following === undefined) throw new Error('This loader follows no log yet.');
    return this.following.mind;
  }

  private async begin(anchor: LogAnchor): Promise<Following> {
    const { stateDir, kernel, log } = this.options;
    const { kernelBuild, bootId, release, patchedCore } = this.running;
    this.options.signal.throwIfAborted();
    await withdrawShutdownMark(stateDir, bootId);
    const boot: BootFacts = { bootId, panicsAtMs: await kernel.panicsAtMs() };
    const { cluster, logPublicKey } = anchor;
    const checks = logChecksOf(logPublicKey);
    const newestKey = await this.newestLogKey(anchor);
    const file = path.join(stateDir, 'journals', `${cluster}-${kernelBuild}.journal`);
    const endedBoots = await readShutdownMarks(stateDir);
    const opened = openAgentJournal(file, { cluster, kernelBuild }, checks, {
      endedBoots,
      newestKey,
      nowMs: timeOfDayMs(),
    });
    const journal = await opened.catch(damageOf);
    if (this.options.signal.aborted && !isDamage(journal)) await journal.close();
    this.options.signal.throwIfAborted();
    log('info', 'loader started', {
      ...{ cluster, kernelBuild, release, patchedCore, needsBuildSignature: this.needsBuildSignature },
      ...(isDamage(journal)
        ? { reason: journal.reason }
        : { head: journal.recorded.entries.length, target: journal.recorded.target }),
    });
    const mind = this.makeMind(journal, checks, boot, anchor);
    mind.start();
    return { anchor, mind, journal };
  }

  /** What this machine has come to know, or where it begins at all: of what is known nothing is taken back. */
  private async newestLogKey(anchor: LogAnchor): Promise<LogKey | undefined> {
    const { stateDir } = this.options;
    const told = anchor.newestLogKey;
    const known = await readNewestLogKey(stateDir, anchor);
    if (known === undefined && told !== undefined) await keepNewestLogKey(stateDir, anchor, told);
    return known ?? told;
  }

  private makeMind(journal: AgentJournal | Problem, checks: LogChecks, boot: BootFacts, anchor: LogAnchor): NodeMind {
    const { options } = this;
    const machine: Machine = {
      kernel: options.kernel,
      artifacts: new ArtifactFiles(path.join(options.stateDir, 'artifacts')),
      holdFile: options.holdFile ?? defaultHoldFile,
      fetch: (sha256, signal) => this.fetch(sha256, signal),
      policy: options.buildPolicy,
    };
    const onReport = (): void => {
      this.network?.onReport();
    };
    const common = { machine, log: options.log, lookEveryMs: options.lookEveryMs ?? defaultLookEveryMs, onReport };
    if (isDamage(journal)) return new DamagedNode({ ...common, problem: journal });
    return new NodeBrain({
      ...{ ...common, journal, boot, checks, traces: options.traces ?? new NodeTraces() },
      keepLogKey: (key) => keepNewestLogKey(options.stateDir, anchor, key),
      onReconnect: () => {
        this.network?.onReconnect();
      },
      onFatal: options.onFatal,
      pickFetchMoment: options.pickFetchMoment,
    });
  }

  private fetch(sha256: Sha256, signal?: AbortSignal): ArtifactSource {
    if (this.network !== undefined) return this.network.fetch(sha256, signal);
    throw new LockstepError('unavailable', 'no-network-half', 'Nobody is there who could fetch it.', { sha256 });
  }
}

function insistSame(known: LogAnchor, told: LogAnchor): void {
  if (known.cluster === told.cluster && known.logPublicKey === told.logPublicKey) return;
  const message = `This machine follows the load order of cluster ${known.cluster} by the key that it was first given, and was told of another one: cluster ${told.cluster}.`;
  throw new LockstepError('refused', 'other-log', message, { cluster: known.cluster, told: told.cluster });
}
