// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import {
  encodeEntry,
  proposeEntry,
  stackAt,
  type EntryBody,
  type EntrySignature,
  type LogChecks,
  type LogEntry,
  type LogName,
} from '@lockstep/domain/load-order';
import type {
  ClusterName,
  KernelBuildId,
  ModuleName,
  PatchedFunction,
  PatchId,
  PatchName,
  Seq,
  Sha256,
} from '@lockstep/domain/livepatch-model';
import { advance, startNode } from './advance';
import type { Job, NodeEffect, NodeEvent, NodeState } from './node-state';
import type { Observation, ObservedPatch } from './observation';

// A machine in memory for this library's tests: a disk that survives crashes, a kernel that survives the agent, and
// the agent's brain in between. Whoever drives it decides what happens when.

export const log: LogName = { cluster: 'web' as ClusterName, kernelBuild: 'ab'.repeat(20) as KernelBuildId };

const sha256 = (data: string | Uint8Array): Sha256 => createHash('sha256').update(data).digest('hex') as Sha256;
const tag = (key: string, hash: Sha256): EntrySignature => sha256(`${key} ${hash}`) as string as EntrySignature;

export const checks: LogChecks = { hash: sha256, verify: (hash, signature) => signature === tag('ours', hash) };

const functionsOf = (names: string): PatchedFunction[] =>
  Array.from(names, (name) => ({ object: 'vmlinux', name, sympos: 0 }));

/** Loads patch `name` with one function a letter. */
export function load(name: string, functions: string, overrides: readonly number[] = [], replace = false): EntryBody {
  const artifact = {
    sha256: sha256(name + functions),
    sizeBytes: 1000,
    kernelBuild: log.kernelBuild,
    moduleName: `lockstep_${name}` as ModuleName,
    patch: sha256(name) as string as PatchId,
    patchName: name as PatchName,
    replace,
    functions: functionsOf(functions),
  };
  return { kind: 'load', artifact, overrides: overrides as Seq[], builtOnto: [] };
}

export const retire = (seq: number): EntryBody => ({ kind: 'retire', retires: seq as Seq });

export function append(entries: readonly LogEntry[], body: EntryBody, key = 'ours'): LogEntry[] {
  const entry = proposeEntry(log, entries, body);
  const hash = sha256(encodeEntry(entry));
  return [...entries, { ...entry, hash, signature: tag(key, hash) }];
}

export const logOf = (...bodies: EntryBody[]): LogEntry[] =>
  bodies.reduce<LogEntry[]>((entries, body) => append(entries, body), []);

export const observed = (name: string, functions: string, transition = false): ObservedPatch => ({
  module: name as ModuleName,
  enabled: true,
  transition,
  functions: functionsOf(functions),
});

/** What the brain promised and broke, as an exception that names it. */
function insist(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken: ${what}`);
}

export class Machine {
  state!: NodeState;
  readonly disk = {
    entries: [] as LogEntry[],
    target: 0 as Seq,
    position: 0 as Seq,
    artifacts: new Set<Sha256>(),
    full: false,
  };
  kernel: ObservedPatch[] = [];
  job: Job | undefined;
  observing = false;
  retryArmed = false;
  reports = 0;
  readonly jobsDone: string[] = [];

  constructor() {
    this.startAgent();
  }

  /** A new life of the agent with what the disk holds; whatever ran or waited in the old one is gone. */
  startAgent(): void {
    this.job = undefined;
    this.observing = false;
    this.retryArmed = false;
    const { entries, target, position } = this.disk;
    const { state, effects } = startNode({ log, entries: [...entries], target, position });
    this.state = state;
    this.perform(effects);
  }

  reboot(): void {
    this.kernel = [];
    this.startAgent();
  }

  get foreign(): boolean {
    return this.kernel.some((patch) => patch.module.startsWith('foreign'));
  }

  seen(): Observation {
    return { patches: [...this.kernel], artifacts: new Set(this.disk.artifacts) };
  }

  tell(event: NodeEvent): void {
    const before = this.state.known;
    const { state, effects } = advance(this.state, event, checks);
    this.state = state;
    insist(state.known.position >= before.position, 'a position fell');
    insist(state.known.target >= before.target, 'a target fell');
    insist(state.known.position <= state.known.target, 'a position above its target');
    insist(state.known.target <= state.known.entries.length, 'a target above the head');
    this.perform(effects);
  }

  private perform(effects: readonly NodeEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'record-entries':
          this.record({ kind: 'entries-recorded', entries: effect.entries }, () => {
            this.disk.entries.push(...effect.entries);
          });
          break;
        case 'record-target':
          this.record({ kind: 'target-recorded', seq: effect.seq }, () => (this.disk.target = effect.seq));
          break;
        case 'record-position':
          this.record({ kind: 'position-recorded', seq: effect.seq }, () => (this.disk.position = effect.seq));
          break;
        case 'observe':
          this.observing = true;
          break;
        case 'run':
          insist(this.job === undefined, 'two jobs at once');
          insist(!this.foreign || this.state.phase === 'moving', 'a job outside of moving');
          this.job = effect.job;
          break;
        case 'retry-later':
          insist(effect.delayMs >= 1000 && effect.delayMs <= 30_000, 'a retry at once, or never');
          this.retryArmed = true;
          break;
        case 'report':
          this.reports += 1;
          break;
        case 'reconnect':
          break;
      }
    }
  }

  private record(event: NodeEvent, write: () => void): void {
    if (this.disk.full) {
      this.tell({ kind: 'recording-failed', problem: { reason: 'disk-full', message: 'No space left.' } });
      return;
    }
    write();
    this.tell(event);
  }

  /** The observation asked for arrives. */
  finishObserving(): void {
    if (!this.observing) return;
    this.observing = false;
    this.tell({ kind: 'observed', seen: this.seen() });
  }

  /** The job under way ends, well or not; a valid step for this kernel, or the brain has broken its promise. */
  finishJob(ok = true, reason = 'told-to'): void {
    const { job } = this;
    if (job === undefined) return;
    this.job = undefined;
    if (ok) this.carryOut(job);
    const outcome = ok ? { ok: true as const } : { ok: false as const, problem: { reason, message: '' } };
    this.tell({ kind: 'job-finished', outcome, seen: this.seen() });
  }

  carryOut(job: Job): void {
    const names = this.kernel.map((patch) => patch.module);
    switch (job.kind) {
      case 'fetch':
        this.disk.artifacts.add(job.artifact.sha256);
        break;
      case 'load': {
        const { artifact } = job.entry.body;
        insist(this.disk.artifacts.has(artifact.sha256), 'a load without its artifact');
        insist(!names.includes(artifact.moduleName), 'a module loaded twice');
        const kept = artifact.replace ? [] : this.kernel;
        this.kernel = [
          ...kept,
          { module: artifact.moduleName, enabled: true, transition: false, functions: artifact.functions },
        ];
        this.jobsDone.push(`+${artifact.patchName}`);
        break;
      }
      case 'unload':
        if (!this.foreign) insist(names.at(-1) === job.module, 'an unload that is not from the top');
        this.kernel = this.kernel.filter((patch) => patch.module !== job.module);
        this.jobsDone.push(`-${job.module.replace('lockstep_', '')}`);
        break;
      case 'settle':
        this.kernel = this.kernel.map((patch) => ({ ...patch, transition: false }));
        break;
    }
  }

  /** Lets everything end that is under way or waits. */
  quiesce(): void {
    for (let step = 0; step < 1000; step += 1) {
      if (this.observing) this.finishObserving();
      else if (this.job !== undefined) this.finishJob();
      else if (this.retryArmed && this.state.phase === 'failed') {
        this.retryArmed = false;
        this.tell({ kind: 'retry-due' });
      } else return;
    }
    throw new Error('broken: it never comes to rest');
  }

  /** Names held, without prefix, bottom first. */
  holds(): string {
    return this.kernel.map((patch) => patch.module.replace('lockstep_', '')).join('<');
  }

  /** What the accepted target asks for. */
  wanted(): string {
    return stackAt(this.disk.entries, this.disk.target)
      .map((entry) => entry.body.artifact.patchName)
      .join('<');
  }
}
