// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import {
  currentKey,
  encodeEntry,
  encodeHead,
  encodeKeyProof,
  headHash,
  headLifeMs,
  keysOf,
  newestKey,
  nextSeq,
  proposeEntry,
  stackAt,
  type EntryBody,
  type EntrySignature,
  type LogChecks,
  type LogEntry,
  type LogKey,
  type LogName,
  type SignedHead,
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
import { viewOf } from './node-view';
import type { BegunLoad, EndedBoot, Quarantine } from './boot-history';
import { mergeQuarantines } from './crash-guard';
import type { Job, NodeEffect, NodeEvent, NodeState, Recorded } from './node-state';
import type { Observation, ObservedPatch } from './observation';

// A machine in memory for this library's tests: a disk that survives crashes, a kernel that survives the agent, and
// the agent's brain in between. Whoever drives it decides what happens when.

export const log: LogName = { cluster: 'web' as ClusterName, kernelBuild: 'ab'.repeat(20) as KernelBuildId };

const sha256 = (data: string | Uint8Array): Sha256 => createHash('sha256').update(data).digest('hex') as Sha256;
const tag = (key: string, hash: Sha256): EntrySignature => sha256(`${key} ${hash}`) as string as EntrySignature;

export const checks: LogChecks = {
  hash: sha256,
  verify: (hash, signature) => signature === tag('ours', hash),
  verifyBy: (key, hash, signature) => signature === tag(key, hash),
};

const functionsOf = (names: string): PatchedFunction[] =>
  Array.from(names, (name) => ({ object: 'vmlinux', name, sympos: 0 }));

/** What a journal holds at first. */
export const freshRecord: Recorded = {
  ...{ log, entries: [], target: 0 as Seq, position: 0 as Seq },
  ...{ loads: [], endedBoots: [], quarantines: [], disowned: [] },
};

/** Loads patch `name` with one function a letter. */
export function load(
  name: string,
  functions: string,
  overrides: readonly number[] = [],
  replace = false,
  bytes = '',
): EntryBody {
  const artifact = {
    sha256: sha256(name + functions + bytes),
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

/** Stands in for a public key: `tag` signs by its text. */
export const testKey = (number: number): LogKey => `key ${number}` as LogKey;

/** Brings this key in after `entries`. */
export function rotate(entries: readonly LogEntry[], key: LogKey): EntryBody {
  const place = { ...log, seq: nextSeq(entries), previousHash: headHash(entries) };
  return { kind: 'rotate', key, proof: tag(key, sha256(encodeKeyProof(place, key))) };
}

export function append(
  entries: readonly LogEntry[],
  body: EntryBody,
  key: string = currentKey(entries) ?? 'ours',
): LogEntry[] {
  const entry = proposeEntry(log, entries, body);
  const hash = sha256(encodeEntry(entry));
  return [...entries, { ...entry, hash, signature: tag(key, hash) }];
}

/** Where these entries end, as their signer says it at this time. */
export function headOf(
  entries: readonly LogEntry[],
  issuedAtMs: number,
  over: Partial<Omit<SignedHead, 'signature'>> = {},
): SignedHead {
  const place = { ...log, seq: entries.length as Seq, hash: headHash(entries), key: currentKey(entries) };
  const head = { ...place, issuedAtMs, expiresAtMs: issuedAtMs + headLifeMs, ...over };
  return { ...head, signature: tag(head.key ?? 'ours', sha256(encodeHead(head))) };
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

/** The machine stopped in the middle of what it did. */
export class PowerCut extends Error {}

export class Machine {
  /** The power fails at the first write after so many; undefined: it does not. */
  writesLeft: number | undefined;
  state!: NodeState;
  readonly disk = {
    entries: [] as LogEntry[],
    newestKey: undefined as LogKey | undefined,
    signedHead: undefined as SignedHead | undefined,
    target: 0 as Seq,
    position: 0 as Seq,
    artifacts: new Set<Sha256>(),
    loads: [] as BegunLoad[],
    endedBoots: [] as EndedBoot[],
    quarantines: [] as Quarantine[],
    disowned: [] as readonly ModuleName[],
    full: false,
  };
  kernel: ObservedPatch[] = [];
  /** The bytes that the kernel really holds under a name. */
  readonly bytes = new Map<ModuleName, Sha256>();
  boot = 1;
  uptimeMs = 0;
  hold: string | undefined;
  private readonly panicsAtMs: number[] = [];
  /** Loads that this boot has begun and not survived; of earlier boots, those that must not be repeated. */
  private readonly onTrial = new Set<Seq>();
  readonly deadly = new Set<Seq>();
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
    const { entries, newestKey: kept, target, position, loads, endedBoots, quarantines, disowned } = this.disk;
    const known = { log, entries: [...entries], newestKey: newestKey(kept, entries), target, position };
    const boots = { loads: [...loads], endedBoots, quarantines };
    const recorded = { ...known, signedHead: this.disk.signedHead, ...boots, disowned };
    const { state, effects } = startNode(recorded, { bootId: this.bootId, panicsAtMs: [...this.panicsAtMs] });
    this.state = state;
    this.perform(effects);
  }

  get bootId(): string {
    return `boot-${this.boot}`;
  }

  /** Time of day in a world whose boots each last a day. */
  private get nowMs(): number {
    return this.boot * 86_400_000 + this.uptimeMs;
  }

  /** The machine says that it is going down. */
  endBoot(): void {
    this.disk.endedBoots.push({ bootId: this.bootId, atMs: this.nowMs });
  }

  /** Shut down in order, as far as the disk lets it say so. */
  reboot(): void {
    if (this.disk.full) {
      this.crash();
      return;
    }
    this.endBoot();
    this.startMachine();
  }

  /** Power cut, hang, panic: the journal is as it is at this very moment. */
  crash(how: { readonly leavesRecord: boolean } = { leavesRecord: false }): void {
    if (how.leavesRecord) this.panicsAtMs.push(this.nowMs);
    for (const seq of this.onTrial) this.deadly.add(seq);
    this.startMachine();
  }

  private startMachine(): void {
    this.onTrial.clear();
    this.writesLeft = undefined;
    this.kernel = [];
    this.bytes.clear();
    this.boot += 1;
    this.uptimeMs = 0;
    this.startAgent();
  }

  /** An operator's word: what crashed in the boot that the node names may be tried again. */
  release(): void {
    const { quarantine } = viewOf(this.state);
    if (quarantine === undefined) return;
    this.tell({ kind: 'release-requested', crashedBoot: quarantine.crashedBoot });
  }

  get foreign(): boolean {
    return this.kernel.some((patch) => patch.module.startsWith('foreign'));
  }

  seen(): Observation {
    const { uptimeMs, hold } = this;
    return { patches: [...this.kernel], artifacts: new Set(this.disk.artifacts), uptimeMs, hold };
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
          this.recordEntries(effect.entries);
          break;
        case 'record-head':
          this.record({ kind: 'head-recorded', head: effect.head }, () => (this.disk.signedHead = effect.head));
          break;
        case 'record-target':
          insist(this.knowsNewestKey(), 'a target of a history that has not come by the newest key');
          this.record({ kind: 'target-recorded', seq: effect.seq }, () => (this.disk.target = effect.seq));
          break;
        case 'record-position':
          this.record({ kind: 'position-recorded', seq: effect.seq }, () => (this.disk.position = effect.seq));
          break;
        case 'record-boot':
          this.record({ kind: 'boot-recorded' }, () => {
            this.disk.loads = this.disk.loads.filter(({ bootId }) => bootId === effect.bootId);
            this.disk.quarantines = mergeQuarantines(this.disk.quarantines, effect.quarantines);
          });
          break;
        case 'record-load': {
          const load = { seq: effect.seq, bootId: effect.bootId, atMs: this.nowMs, stable: false };
          this.record({ kind: 'load-recorded', load }, () => {
            this.disk.loads.push(load);
            // Whatever happens from now on may be this load's doing.
            this.onTrial.add(load.seq);
          });
          break;
        }
        case 'record-stable':
          this.record({ kind: 'stable-recorded', seqs: effect.seqs }, () => {
            const isMeant = ({ seq, bootId }: BegunLoad): boolean =>
              bootId === effect.bootId && effect.seqs.includes(seq);
            this.disk.loads = this.disk.loads.map((load) => (isMeant(load) ? { ...load, stable: true } : load));
            this.disk.quarantines = this.disk.quarantines.filter(({ seq }) => !effect.seqs.includes(seq));
            for (const seq of effect.seqs) this.onTrial.delete(seq);
          });
          break;
        case 'record-release':
          this.record({ kind: 'release-recorded', released: effect.released }, () => {
            for (const { seq } of effect.released) this.deadly.delete(seq);
            this.disk.quarantines = mergeQuarantines(this.disk.quarantines, effect.released);
          });
          break;
        case 'record-repair':
          this.record({ kind: 'repair-recorded', modules: effect.modules }, () => {
            this.disk.disowned = effect.modules;
          });
          break;
        case 'observe':
          this.observing = true;
          break;
        case 'run':
          insist(this.job === undefined, 'two jobs at once');
          insist(!this.foreign || this.state.phase === 'moving', 'a job outside of moving');
          insist(this.state.seen?.hold === undefined, 'a job while the agent is to look only');
          if (effect.job.kind === 'load') this.begin(effect.job.entry.seq);
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

  private knowsNewestKey(): boolean {
    const { newestKey: key, entries } = this.disk;
    return key === undefined || keysOf(entries).includes(key);
  }

  /** Two writes, of which the second may not come about. */
  private recordEntries(entries: readonly LogEntry[]): void {
    const key = newestKey(this.disk.newestKey, [...this.disk.entries, ...entries]);
    if (key !== this.disk.newestKey && !this.disk.full) this.write(() => (this.disk.newestKey = key));
    this.record({ kind: 'entries-recorded', entries }, () => {
      this.disk.entries.push(...entries);
    });
  }

  private begin(seq: Seq): void {
    insist(!this.deadly.has(seq), `a second load of #${seq}, which this host did not survive`);
    const isRecorded = this.disk.loads.some((load) => load.seq === seq && load.bootId === this.bootId && !load.stable);
    insist(isRecorded, `a load of #${seq} that the journal does not know`);
  }

  private record(event: NodeEvent, write: () => void): void {
    if (this.disk.full) {
      this.tell({ kind: 'recording-failed', problem: { reason: 'disk-full', message: 'No space left.' } });
      return;
    }
    this.write(write);
    this.tell(event);
  }

  private write(write: () => void): void {
    const { writesLeft } = this;
    if (writesLeft === 0) throw new PowerCut();
    write();
    if (writesLeft !== undefined) this.writesLeft = writesLeft - 1;
    if (writesLeft === 1) throw new PowerCut();
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
        this.bytes.set(artifact.moduleName, artifact.sha256);
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
      else if (this.retryArmed && this.state.phase === 'failed' && !this.disk.full) {
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

/** A node that has been told of these entries and moved to `seq`. */
export function machineAt(entries: ReturnType<typeof logOf>, seq: number): Machine {
  const machine = new Machine();
  machine.quiesce();
  machine.tell({ kind: 'log-offered', entries });
  machine.tell({ kind: 'move-requested', seq: seq as Seq });
  machine.quiesce();
  machine.jobsDone.length = 0;
  return machine;
}
