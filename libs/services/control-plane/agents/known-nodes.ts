// SPDX-License-Identifier: GPL-2.0-only
import type { NodeReport } from '@lockstep/contracts/generated';
import type { Labels } from '@lockstep/domain/labels';
import type { ClusterName, NodeName } from '@lockstep/domain/livepatch-model';
import {
  isDatabaseAway,
  nodeRemoved,
  unknownNode,
  type BegunStream,
  type KeptCall,
  type NodeIdentity,
  type NodeIntroduction,
  type NodeRecord,
  type NodeStore,
  type NodeStream,
  type NodeWord,
  type PageRange,
} from '@lockstep/io/database';
import type { Logger } from 'pino';
import { Reconciler } from '../reconciler';
import { firstAfter } from './first-after';
import { WrittenReports } from './written-reports';

/** What nodes say is written this long after they said it, at the latest: a killed control plane is told it again. */
const keepEveryMs = 2_000;
/** When nodes that live, and say nothing new, were heard last. It decides what is silent for days. */
const keepSeenEveryMs = 600_000;
/** As many reports go in one statement: half a megabyte, which is put into words in some milliseconds. */
const mostWords = 250;

/** What there is to write of a node, besides when it was heard and who holds its stream. */
interface Unkept {
  readonly hasReport: boolean;
}

const isSameStream = (a: NodeStream, b: NodeStream): boolean =>
  a.sessionEpoch === b.sessionEpoch && a.certificateFingerprint === b.certificateFingerprint;

/** A stream that began here: what is heard of it is newer than its row, however late that was read. */
const beganHere = (node: NodeRecord): boolean => node.heardAtMs !== undefined;

/**
 * What a row tells beyond what is known, whenever it comes: nothing where it was read before another reading of it; of a
 * stream that began here only what others write; else all of it.
 */
function newsOf(row: NodeRecord, known: NodeRecord | undefined): 'all' | 'others-words' | 'none' {
  if (known === undefined) return 'all';
  const isSameKey = row.certificateFingerprint === known.certificateFingerprint;
  if (isSameKey && beganHere(known) && row.sessionEpoch === known.sessionEpoch) return 'others-words';
  return row.revision > known.revision ? 'all' : 'none';
}

export interface KnownNodesParts {
  readonly store: NodeStore;
  /** It has reported something new. */
  readonly onReport?: (name: NodeName) => void;
  /** Its certificate is known to be revoked from now on, however that was found. */
  readonly onRevoked?: (name: NodeName) => void;
  /** Of several, which control plane this is: it holds the streams that begin here. */
  readonly replica: string;
  /** Something was written that others can read now. */
  readonly onKept?: () => void;
  /** Where others wait for what is written. */
  readonly keepEveryMs?: number;
  readonly log: Logger;
}

const heardNow = () => ({ lastSeenAt: new Date(), heardAtMs: performance.now() });

/**
 * All nodes, as they are known now. What they say counts as soon as it is heard, and is read from here; it is written
 * in batches, so a sign of life costs no statement. Who they are (their certificates, their streams' epochs) is written
 * first and known then: only that must outlive a kill. What other control planes of the database write is taken in as it
 * is found (`replicas/follow-others`).
 */
export class KnownNodes {
  private readonly nodes = new Map<NodeName, NodeRecord>();
  /** All names, for pages; undefined once that has changed. */
  private sorted: readonly NodeName[] | undefined;
  /** Heard, and not written yet. */
  private unkept = new Map<NodeName, Unkept>();
  private readonly written = new WrittenReports();
  /** Alive since that was written last. */
  private readonly heard = new Set<NodeName>();
  /** Written by a call whose outcome was not told, or by somebody else: to be read again. */
  private readonly doubtful = new Set<NodeName>();
  /** One at a time for each, so that of two readings the later one is taken in last. */
  private readonly readings = new Reconciler((name) => this.readAgain(name as NodeName));
  /** Those that went while rows were read: what was read of them before is nothing to go by. */
  private readonly goneMeanwhile = new Set<Set<NodeName>>();
  /** Streams whose epoch is being begun: how many of each node. */
  private readonly beginning = new Map<NodeName, number>();
  private timers: NodeJS.Timeout[] = [];
  private keeping: Promise<void> | undefined;
  private isAway = false;

  constructor(private readonly parts: KnownNodesParts) {}

  async start(): Promise<void> {
    for (const node of await this.parts.store.list()) {
      this.nodes.set(node.name, node);
      this.written.noteRead(node);
    }
    this.timers = [
      setInterval(() => {
        this.keepSoon();
      }, this.parts.keepEveryMs ?? keepEveryMs),
      setInterval(() => {
        this.noteAllHeard();
      }, keepSeenEveryMs),
    ];
  }

  /** Writes what there is to write. */
  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.keeping;
    this.noteAllHeard();
    await this.keep();
  }

  get size(): number {
    return this.nodes.size;
  }

  /** How many have said something that is not in the database yet. */
  get unwrittenCount(): number {
    return this.unkept.size;
  }

  /** Of one cluster, or of all; in no order. */
  list(cluster?: ClusterName): NodeRecord[] {
    const all = [...this.nodes.values()];
    return cluster === undefined ? all : all.filter((node) => node.cluster === cluster);
  }

  /** By name, those that `isAsked` lets through. */
  page({ after, limit }: PageRange<string>, isAsked: (node: NodeRecord) => boolean): NodeRecord[] {
    const found: NodeRecord[] = [];
    const names = this.sortedNames();
    for (let at = firstAfter(names, after); at < names.length && found.length < limit; at += 1) {
      const node = this.nodes.get(names[at] as NodeName);
      if (node !== undefined && isAsked(node)) found.push(node);
    }
    return found;
  }

  private sortedNames(): readonly NodeName[] {
    this.sorted ??= [...this.nodes.keys()].sort();
    return this.sorted;
  }

  find(name: NodeName): NodeRecord | undefined {
    return this.nodes.get(name);
  }

  /** @throws LockstepError `not-found` `unknown-node`. */
  require(name: NodeName): NodeRecord {
    const node = this.find(name);
    if (node === undefined) throw unknownNode(name);
    return node;
  }

  /** Begins a stream's epoch. @throws LockstepError as `NodeStore.introduce`. */
  async introduce({ name, certificateFingerprint }: NodeRecord, said: NodeIntroduction): Promise<NodeRecord> {
    const { replica } = this.parts;
    const { sessionEpoch, revision, revisionBefore } = await this.beginEpoch({ name, certificateFingerprint }, said);
    const before = this.nodes.get(name);
    if (before?.certificateFingerprint !== certificateFingerprint) throw nodeRemoved(name);
    const { reportedLabels, ...about } = said;
    // Epochs of one that was removed and has joined again begin anew.
    const isSameLife =
      before.kernelBuild === said.kernelBuild && before.bootId === said.bootId && sessionEpoch >= before.sessionEpoch;
    const node = {
      ...before,
      ...about,
      labels: { ...before.labels, reported: reportedLabels },
      ...{ sessionEpoch, replica, revision: Math.max(revision, before.revision) },
      report: isSameLife ? before.report : null,
      ...heardNow(),
    };
    // Its row may have been read since, by whomever; if it tells of a later stream, this one has ended.
    if (revision < before.revision && sessionEpoch !== before.sessionEpoch) return node;
    if (!isSameLife) this.unkept.delete(name);
    this.written.begin(node, revisionBefore === before.revision);
    this.nodes.set(name, node);
    return node;
  }

  private async beginEpoch(node: NodeIdentity, said: NodeIntroduction): Promise<BegunStream> {
    const { name } = node;
    this.beginning.set(name, (this.beginning.get(name) ?? 0) + 1);
    try {
      return await this.surely([name], () => this.parts.store.introduce(node, said, this.parts.replica));
    } finally {
      const others = (this.beginning.get(name) ?? 1) - 1;
      if (others > 0) this.beginning.set(name, others);
      else this.beginning.delete(name);
    }
  }

  /** Whether no other stream or enrolment of the node has come since. */
  isCurrent(stream: NodeStream): boolean {
    const node = this.nodes.get(stream.name);
    return node !== undefined && isSameStream(node, stream);
  }

  /** @returns false, and nothing is noted, when another stream or enrolment has come since. */
  note(stream: NodeStream, report: NodeReport): boolean {
    return this.hear(stream, report);
  }

  /** A sign of life. @returns as `note`. */
  touch(stream: NodeStream): boolean {
    return this.hear(stream, undefined);
  }

  /**
   * A stream that began here is gone, welcomed or not: when it was heard last is written now, for nothing more will come,
   * and that nobody holds it. @returns false where a later one is known.
   */
  noteDeparture(stream: NodeStream): boolean {
    const { name } = stream;
    const node = this.nodes.get(name);
    if (node === undefined || !isSameStream(node, stream)) return false;
    this.noteUnheld(node);
    return true;
  }

  private noteUnheld(node: NodeRecord): void {
    const { name } = node;
    this.heard.delete(name);
    this.nodes.set(name, { ...node, replica: null });
    this.noteUnkept(name);
  }

  private noteUnkept(name: NodeName): void {
    if (!this.unkept.has(name)) this.unkept.set(name, { hasReport: false });
  }

  /** Takes in what `read` finds that others have written. @returns the nodes that are known otherwise now, as they are. */
  async takeIn(read: () => Promise<readonly NodeRecord[]>): Promise<NodeRecord[]> {
    const gone = new Set<NodeName>();
    this.goneMeanwhile.add(gone);
    try {
      const rows = await read();
      for (const name of gone) this.doubtful.add(name);
      return this.absorb(rows.filter(({ name }) => !gone.has(name)));
    } finally {
      this.goneMeanwhile.delete(gone);
    }
  }

  /**
   * Takes in rows as they were read, in whatever order they come. @returns the nodes that are known otherwise now, as they
   * are; but not one that is another machine's by now: that is to be read again (`refresh`).
   */
  absorb(rows: readonly NodeRecord[]): NodeRecord[] {
    return rows.flatMap((row) => {
      const before = this.nodes.get(row.name);
      if (before !== undefined && before.certificateFingerprint !== row.certificateFingerprint) {
        this.doubtful.add(row.name);
        return [];
      }
      this.takeRow(row);
      const now = this.nodes.get(row.name);
      return now === undefined || now === before ? [] : [now];
    });
  }

  /** Reads a node again that was written past this, as by an enrolment. What it said in the same stream stays. */
  async refresh(name: NodeName): Promise<void> {
    this.doubtful.add(name);
    await this.readings.request(name);
  }

  private async readAgain(name: NodeName): Promise<void> {
    const gone = new Set<NodeName>();
    this.goneMeanwhile.add(gone);
    try {
      for (;;) {
        gone.clear();
        // Doubts that come up meanwhile are not dispelled by it.
        this.doubtful.delete(name);
        const row = await this.surely([name], () => this.parts.store.find(name));
        if (row === null) this.forget(name);
        else if (gone.has(name)) continue;
        else this.takeRow(row);
        return;
      }
    } finally {
      this.goneMeanwhile.delete(gone);
    }
  }

  /** Where no answer comes it is not known what became of it: then the nodes are read again. */
  private async surely<T>(names: readonly NodeName[], ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      for (const name of names) this.doubtful.add(name);
      throw error;
    }
  }

  private takeRow(row: NodeRecord): void {
    const { name } = row;
    const known = this.nodes.get(name);
    this.takeRevocation(row);
    this.takeLabels(row);
    const news = newsOf(row, known);
    if (news === 'all') this.know(row);
    // Whoever wrote so was late, or a word of ours was lost.
    else if (news === 'others-words' && row.sessionEpoch === known?.sessionEpoch && row.replica !== known.replica) {
      this.noteUnkept(name);
    }
  }

  /** As `NodeStore.label`. */
  async label(
    names: readonly NodeName[],
    change: (node: NodeRecord) => Labels,
    call: KeptCall<readonly NodeRecord[]> | undefined,
  ): Promise<NodeRecord[]> {
    const changed = await this.surely(names, () => this.parts.store.label(names, change, call));
    for (const node of changed) this.takeLabels(node);
    return names.map((name) => this.require(name));
  }

  /** Of two that were read at once the later one counts. */
  private takeLabels({ name, certificateFingerprint, labels: { assigned }, labelsRevision }: NodeRecord): void {
    const known = this.nodes.get(name);
    if (known?.certificateFingerprint !== certificateFingerprint || known.labelsRevision >= labelsRevision) return;
    this.nodes.set(name, { ...known, labels: { ...known.labels, assigned }, labelsRevision });
  }

  private takeRevocation({ name, certificateFingerprint, revokedAt }: NodeRecord): boolean {
    const known = this.nodes.get(name);
    if (revokedAt === null || known?.certificateFingerprint !== certificateFingerprint) return false;
    if (known.revokedAt !== null) return false;
    this.nodes.set(name, { ...known, revokedAt });
    this.parts.onRevoked?.(name);
    return true;
  }

  /** A row as it was read; a key that was revoked meanwhile stays so. */
  private know(row: NodeRecord): void {
    const { name } = row;
    const known = this.nodes.get(name);
    const isSameKey = known?.certificateFingerprint === row.certificateFingerprint;
    if (known === undefined) this.sorted = undefined;
    this.unkept.delete(name);
    this.written.forget(name);
    this.heard.delete(name);
    this.written.noteRead(row);
    const node = { ...row, revokedAt: row.revokedAt ?? (isSameKey ? known.revokedAt : null) };
    this.nodes.set(name, node);
    // A stream that nobody here knows: it ended before its epoch was told.
    if (row.replica === this.parts.replica && !this.beginning.has(name)) this.noteUnheld(node);
  }

  /** Those that were last heard of longer ago than their clusters allow. */
  silent(): Promise<NodeName[]> {
    return this.parts.store.silent();
  }

  /** @throws LockstepError `not-found` `unknown-node`. */
  async remove(name: NodeName, call: KeptCall<NodeRecord> | undefined): Promise<NodeRecord> {
    return this.removeBy(name, () => this.parts.store.remove(name, call));
  }

  /** Its certificate is good for nothing from now on. @throws LockstepError `not-found` `unknown-node`. */
  async revoke(name: NodeName, call: KeptCall<NodeRecord> | undefined): Promise<NodeRecord> {
    const revoked = await this.surely([name], () => this.parts.store.revoke(name, new Date(), call));
    this.takeRevocation(revoked);
    return { ...this.require(name), revokedAt: revoked.revokedAt };
  }

  /**
   * From now on it is known by its key: its certificate may be made anew.
   * @throws LockstepError `forbidden` `node-removed` when it is not the one any more that was identified.
   */
  async bindKey(node: NodeRecord, publicKeySha256: string): Promise<void> {
    await this.surely([node.name], () => this.parts.store.bindKey(node, publicKeySha256));
    await this.refresh(node.name);
    if (this.find(node.name)?.certificateFingerprint !== publicKeySha256) throw nodeRemoved(node.name);
  }

  /** Unless it has been heard of since: then undefined, and it stays. */
  async removeSilent(name: NodeName): Promise<NodeRecord | undefined> {
    return this.removeBy(name, () => this.parts.store.removeSilent(name));
  }

  private async removeBy<T extends NodeRecord | undefined>(name: NodeName, remove: () => Promise<T>): Promise<T> {
    const removed = await this.surely([name], remove);
    if (removed !== undefined) this.forget(name);
    return removed;
  }

  private forget(name: NodeName): void {
    for (const gone of this.goneMeanwhile) gone.add(name);
    this.nodes.delete(name);
    this.sorted = undefined;
    this.unkept.delete(name);
    this.written.forget(name);
    this.heard.delete(name);
  }

  private hear(stream: NodeStream, report: NodeReport | undefined): boolean {
    const { name } = stream;
    const node = this.nodes.get(name);
    // Nothing more comes of one that has ended.
    if (node === undefined || !isSameStream(node, stream) || node.replica !== this.parts.replica) return false;
    this.nodes.set(name, { ...node, ...(report && { report }), ...heardNow() });
    this.heard.add(name);
    if (report !== undefined) {
      if (!this.written.isWritten(node, report)) this.unkept.set(name, { hasReport: true });
      this.parts.onReport?.(name);
    }
    return true;
  }

  private noteAllHeard(): void {
    for (const name of this.heard) {
      this.noteUnkept(name);
    }
    this.heard.clear();
  }

  private keepSoon(): void {
    this.keeping ??= this.keep().finally(() => {
      this.keeping = undefined;
    });
  }

  private async keep(): Promise<void> {
    try {
      for (const name of [...this.doubtful]) await this.refresh(name);
      // What comes meanwhile waits for the next time.
      const due = [...this.unkept];
      for (let from = 0; from < due.length; from += mostWords) await this.keepSome(due.slice(from, from + mostWords));
      if (due.length > 0) this.parts.onKept?.();
      this.isAway = false;
    } catch (err) {
      if (!this.isAway) this.parts.log.warn({ err }, 'cannot keep what nodes say now');
      this.isAway = true;
    }
  }

  /** What is said while it is written is written again. */
  private async keepSome(some: readonly (readonly [NodeName, Unkept])[]): Promise<void> {
    for (const [name] of some) this.unkept.delete(name);
    const words = some.flatMap(([name, what]) => this.wordOf(name, what));
    try {
      const current = await this.keepWords(words);
      for (const { stream } of words) if (!current.has(stream.name)) await this.refresh(stream.name);
    } catch (error) {
      for (const [name, what] of some) {
        const hasReport = what.hasReport || this.unkept.get(name)?.hasReport === true;
        if (this.nodes.has(name)) this.unkept.set(name, { hasReport });
      }
      throw error;
    }
  }

  private wordOf(name: NodeName, what: Unkept): NodeWord[] {
    const node = this.nodes.get(name);
    if (node?.lastSeenAt == null) return [];
    const report = what.hasReport ? (node.report ?? undefined) : undefined;
    // Of a stream that began elsewhere, or before this process, there is nothing to tell.
    if (!beganHere(node) && node.replica !== null) return [];
    return [{ stream: node, report, seenAt: node.lastSeenAt, replica: node.replica }];
  }

  /** One that the database does not take must not cost the others theirs: it is found, and dropped. */
  private async keepWords(words: readonly NodeWord[]): Promise<ReadonlySet<NodeName>> {
    const { store, log } = this.parts;
    try {
      return await store.keep(words);
    } catch (err) {
      const [first, ...others] = words;
      if (first === undefined || isDatabaseAway(err)) throw err;
      if (others.length === 0) {
        log.error({ err, node: first.stream.name }, 'a report cannot be kept');
        // Who holds its stream can.
        return first.report === undefined
          ? new Set([first.stream.name])
          : this.keepWords([{ ...first, report: undefined }]);
      }
      const middle = Math.ceil(words.length / 2);
      const halves = [words.slice(0, middle), words.slice(middle)];
      const kept = [];
      for (const half of halves) kept.push(...(await this.keepWords(half)));
      return new Set(kept);
    }
  }
}
