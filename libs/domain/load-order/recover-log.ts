// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName, Seq, Sha256 } from '@lockstep/domain/livepatch-model';
import { extendLog, type ExtensionRefusal, type LogChecks } from './extend-log';
import type { LogEntry, LogName } from './log-entry';

/** What a node holds of a log beyond the part that is known here: at least one entry. */
export interface Witness {
  readonly node: NodeName;
  readonly entries: readonly LogEntry[];
}

/** One of the histories that witnesses tell. */
export interface Side {
  readonly hash: Sha256;
  readonly nodes: readonly NodeName[];
}

export type Recovery =
  | { readonly kind: 'recovered'; readonly entries: readonly LogEntry[] }
  /** This one's entries do not follow the known log, or are not signed by its key. */
  | { readonly kind: 'refused'; readonly node: NodeName; readonly refusal: ExtensionRefusal }
  /** All are signed, yet at this seq they are not the same: two histories were told. */
  | { readonly kind: 'disagreement'; readonly seq: Seq; readonly sides: readonly Side[] };

/** The first seq at which the chains part. */
function findDisagreement(chains: readonly { node: NodeName; entries: readonly LogEntry[] }[]): Recovery | undefined {
  const length = Math.max(0, ...chains.map(({ entries }) => entries.length));
  for (let index = 0; index < length; index += 1) {
    const nodesOf = new Map<Sha256, NodeName[]>();
    let seq: Seq | undefined;
    for (const { node, entries } of chains) {
      const entry = entries[index];
      if (entry === undefined) continue;
      seq = entry.seq;
      nodesOf.set(entry.hash, [...(nodesOf.get(entry.hash) ?? []), node]);
    }
    if (seq !== undefined && nodesOf.size > 1) {
      return { kind: 'disagreement', seq, sides: [...nodesOf].map(([hash, nodes]) => ({ hash, nodes })) };
    }
  }
  return undefined;
}

/**
 * The entries that a control plane has lost, from nodes that still hold them: what every witness tells must follow
 * the known log by hash, signature and rules, and where several tell the same seq they must tell the same entry. The
 * longest then contains all others. Nothing is taken of anybody unless all of it holds.
 */
export function recoverLog(
  log: LogName,
  known: readonly LogEntry[],
  witnesses: readonly Witness[],
  checks: LogChecks,
): Recovery {
  const chains: { node: NodeName; entries: readonly LogEntry[] }[] = [];
  for (const { node, entries } of witnesses) {
    const extension = extendLog(log, known, entries, checks);
    if (extension.kind === 'refused') return { kind: 'refused', node, refusal: extension.refusal };
    chains.push({ node, entries: extension.entries.slice(known.length) });
  }
  const disagreement = findDisagreement(chains);
  if (disagreement !== undefined) return disagreement;
  const longest = chains.reduce<readonly LogEntry[]>(
    (best, { entries }) => (entries.length > best.length ? entries : best),
    [],
  );
  return { kind: 'recovered', entries: longest };
}
