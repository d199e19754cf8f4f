// SPDX-License-Identifier: GPL-2.0-only
import type { NodeReport } from '@lockstep/contracts/generated';
import type { Labels } from '@lockstep/domain/labels';
import type { ClusterName, NodeName } from '@lockstep/domain/livepatch-model';
import {
  isDatabaseAway,
  nodeRemoved,
  unknownNode,
  type KeptCall,
  type NodeIntroduction,
  type NodeRecord,
  type NodeStore,
  type NodeStream,
  type NodeWord,
  type PageRange,
} from '@lockstep/io/database';
import type { Logger } from 'pino';

/** What nodes say is written this long after they said it, at the latest: a killed control plane is told it again. */
const keepEveryMs = 2_000;
/** When nodes that live, and say nothing new, were heard last. It decides what is silent for days. */
const keepSeenEveryMs = 600_000;
/** As many reports go in one statement: about 2 MB, which is written out without holding up the rest. */
const mostWords = 1_000;

/** What there is to write of a node, besides when it was heard. */
interface Unkept {
  readonly hasReport: boolean;
  readonly hasLeft: boolean;
}

const isSameStream = (a: NodeStream, b: NodeStream): boolean =>
  a.sessionEpoch === b.sessionEpoch && a.certificateFingerprint === b.certificateFingerprint;

/** Not one that was read before a stream began which is known by now. */
const isOfLaterStream = (row: NodeStream, known: NodeStream): boolean =>
  row.certificateFingerprint !== known.certificateFingerprint || row.sessionEpoch > known.sessionEpoch;

/** Where the first name is that comes after this one. */
function firstAfter(names: readonly string[], after: string | undefined): number {
  if (after === undefined) return 0;
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((names[middle] ?? '') > after) high = middle;
    else low = middle + 1;
  }
  return low;
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
  /** Alive since that was written last. */
  private readonly heard = new Set<NodeName>();
  /** Written by a call whose outcome was not told, or by somebody else: to be read again. */
  private readonly doubtful = new Set<NodeName>();
  private timers: NodeJS.Timeout[] = [];
  private keeping: Promise<void> | undefined;
  private isAway = false;

  constructor(private readonly parts: KnownNodesParts) {}

  async start(): Promise<void> {
    for (const node of await this.parts.store.list()) this.nodes.set(node.name, node);
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
    const { store, replica } = this.parts;
    const sessionEpoch = await store.introduce({ name, certificateFingerprint }, said, replica);
    const before = this.nodes.get(name);
    if (before?.certificateFingerprint !== certificateFingerprint) throw nodeRemoved(name);
    const { reportedLabels, ...about } = said;
    const isSameBoot = before.kernelBuild === said.kernelBuild && before.bootId === said.bootId;
    const unkept = this.unkept.get(name);
    if (!isSameBoot) this.unkept.delete(name);
    else if (unkept !== undefined) this.unkept.set(name, { ...unkept, hasLeft: false });
    const node = {
      ...before,
      ...about,
      labels: { ...before.labels, reported: reportedLabels },
      ...{ sessionEpoch, replica },
      report: isSameBoot ? before.report : null,
      ...heardNow(),
    };
    if (sessionEpoch > before.sessionEpoch) this.nodes.set(name, node);
    return node;
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

  /** The stream is gone: when it was heard last is written now, for nothing more will come. */
  noteDeparture(stream: NodeStream): void {
    const { name } = stream;
    const node = this.nodes.get(name);
    if (node === undefined || !isSameStream(node, stream)) return;
    this.heard.delete(name);
    this.nodes.set(name, { ...node, replica: null });
    this.unkept.set(name, { hasReport: this.unkept.get(name)?.hasReport ?? false, hasLeft: true });
  }

  /**
   * Takes in what another control plane has written. What is heard here is newer than its row.
   * @returns those that are known otherwise now.
   */
  absorb(rows: readonly NodeRecord[]): NodeRecord[] {
    return rows.filter((row) => {
      const known = this.nodes.get(row.name);
      if (known !== undefined && known.certificateFingerprint !== row.certificateFingerprint) {
        this.doubtful.add(row.name);
        return false;
      }
      this.takeLabels(row);
      const isRevoked = this.takeRevocation(row);
      const isOlder = known !== undefined && known.sessionEpoch > row.sessionEpoch;
      const isOurs = known?.sessionEpoch === row.sessionEpoch && known.replica === this.parts.replica;
      if (isOlder || isOurs) return isRevoked;
      if (known === undefined) this.sorted = undefined;
      else if (known.sessionEpoch < row.sessionEpoch) this.unkept.delete(row.name);
      this.know(row);
      return true;
    });
  }

  /** Reads a node again that was written past this, as by an enrolment. What it said in the same stream stays. */
  async refresh(name: NodeName): Promise<void> {
    this.doubtful.add(name);
    const row = await this.parts.store.find(name);
    this.doubtful.delete(name);
    const known = this.nodes.get(name);
    if (row === null) this.forget(name);
    else {
      this.takeRevocation(row);
      if (known === undefined || isOfLaterStream(row, known)) this.know(row);
      else this.takeLabels(row);
    }
    if (known === undefined) this.sorted = undefined;
  }

  /** As `NodeStore.label`. */
  async label(
    names: readonly NodeName[],
    change: (node: NodeRecord) => Labels,
    call: KeptCall<readonly NodeRecord[]> | undefined,
  ): Promise<NodeRecord[]> {
    try {
      const changed = await this.parts.store.label(names, change, call);
      for (const node of changed) this.takeLabels(node);
    } catch (error) {
      // Whatever became of it.
      for (const name of names) if (this.nodes.has(name)) this.doubtful.add(name);
      throw error;
    }
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
    const known = this.nodes.get(row.name);
    const isSameKey = known?.certificateFingerprint === row.certificateFingerprint;
    this.nodes.set(row.name, { ...row, revokedAt: row.revokedAt ?? (isSameKey ? known.revokedAt : null) });
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
    this.doubtful.add(name);
    const revoked = await this.parts.store.revoke(name, new Date(), call);
    this.doubtful.delete(name);
    this.takeRevocation(revoked);
    return { ...this.require(name), revokedAt: revoked.revokedAt };
  }

  /**
   * From now on it is known by its key: its certificate may be made anew.
   * @throws LockstepError `forbidden` `node-removed` when it is not the one any more that was identified.
   */
  async bindKey(node: NodeRecord, publicKeySha256: string): Promise<void> {
    await this.parts.store.bindKey(node, publicKeySha256);
    await this.refresh(node.name);
    if (this.find(node.name)?.certificateFingerprint !== publicKeySha256) throw nodeRemoved(node.name);
  }

  /** Unless it has been heard of since: then undefined, and it stays. */
  async removeSilent(name: NodeName): Promise<NodeRecord | undefined> {
    return this.removeBy(name, () => this.parts.store.removeSilent(name));
  }

  private async removeBy<T extends NodeRecord | undefined>(name: NodeName, remove: () => Promise<T>): Promise<T> {
    // Whatever becomes of the answer.
    this.doubtful.add(name);
    const removed = await remove();
    this.doubtful.delete(name);
    if (removed !== undefined) this.forget(name);
    return removed;
  }

  private forget(name: NodeName): void {
    this.nodes.delete(name);
    this.sorted = undefined;
    this.unkept.delete(name);
    this.heard.delete(name);
  }

  private hear(stream: NodeStream, report: NodeReport | undefined): boolean {
    const { name } = stream;
    const node = this.nodes.get(name);
    if (node === undefined || !isSameStream(node, stream)) return false;
    this.nodes.set(name, { ...node, ...(report && { report }), ...heardNow() });
    this.heard.add(name);
    if (report !== undefined) {
      this.unkept.set(name, { hasReport: true, hasLeft: false });
      this.parts.onReport?.(name);
    }
    return true;
  }

  private noteAllHeard(): void {
    for (const name of this.heard) {
      if (!this.unkept.has(name)) this.unkept.set(name, { hasReport: false, hasLeft: false });
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
      for (const name of this.doubtful) await this.refresh(name);
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
        const { hasReport, hasLeft } = this.unkept.get(name) ?? what;
        if (this.nodes.has(name)) this.unkept.set(name, { hasReport: hasReport || what.hasReport, hasLeft });
      }
      throw error;
    }
  }

  private wordOf(name: NodeName, what: Unkept): NodeWord[] {
    const node = this.nodes.get(name);
    if (node?.lastSeenAt == null) return [];
    const report = what.hasReport ? (node.report ?? undefined) : undefined;
    return [{ stream: node, report, seenAt: node.lastSeenAt, hasLeft: what.hasLeft }];
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
        return new Set([first.stream.name]);
      }
      const middle = Math.ceil(words.length / 2);
      const halves = [words.slice(0, middle), words.slice(middle)];
      const kept = [];
      for (const half of halves) kept.push(...(await this.keepWords(half)));
      return new Set(kept);
    }
  }
}
