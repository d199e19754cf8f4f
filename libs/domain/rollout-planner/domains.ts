// SPDX-License-Identifier: GPL-2.0-only
import type { LabelKey, Labels } from '@lockstep/domain/labels';
import type { NodeFacts } from './rollout-plan';
import { explainShare, sizeOf, type Share } from './share';
import { countsAsFailure, type NodeStanding } from './standing';

/** At most so many of each failure domain may be on their way or unwell at once. */
export interface Spread {
  /** The label whose values are the domains, as `zone` or `rack`. */
  readonly label: string;
  /** Nodes, or percent of the domain's nodes. */
  readonly atMost: Share;
}

/** One failure domain as it stands. */
export interface DomainState {
  /** `zone=a`; `zone=` of all nodes that do not say where they are. */
  readonly name: string;
  readonly nodes: number;
  readonly atMost: number;
  readonly onTheWay: number;
  readonly failures: number;
  /** Nobody knows how they are since their load, and nobody has gone on without them. */
  readonly unmeasured: number;
}

/** Nodes that do not say where they are may all be in one place. */
export const domainOf = ({ label }: Spread, labels: Labels | undefined): string =>
  `${label}=${labels?.get(label as LabelKey) ?? ''}`;

/** `2` or `10 % of each zone`. */
export const explainSpread = ({ label, atMost }: Spread): string => `${explainShare(atMost)} of each ${label}`;

/** Why no rollout of these nodes can keep to it; undefined if one can. */
export function refuseSpread(spread: Spread | undefined, members: readonly NodeFacts[]): string | undefined {
  if (spread === undefined || members.length === 0) return undefined;
  const { label, atMost } = spread;
  const most = 'nodes' in atMost ? atMost.nodes : atMost.percent;
  if (!Number.isSafeInteger(most) || most < 1 || ('percent' in atMost && most > 100)) {
    return 'Of a domain at most a whole number of nodes from 1, or a whole percentage from 1 to 100, goes at once.';
  }
  if (members.some(({ labels }) => labels?.has(label as LabelKey) === true)) return undefined;
  return `No node has the label "${label}", so there is nothing to spread over: \`lockstep node label\` says where each is.`;
}

/** Also one that was sent, and is not to begin now: perhaps it has all the same. */
const isUnderWay = ({ standing, released }: NodeStanding): boolean =>
  standing === 'on-its-way' || standing === 'probing' || (standing === 'ready' && released);

/** It was loaded, and nobody knows how it is since: it may be as unwell as any. */
const isUnknown = ({ standing, released, excused }: NodeStanding): boolean =>
  standing === 'unmeasured' && released && !excused;

interface Counts {
  nodes: number;
  onTheWay: number;
  failures: number;
  unmeasured: number;
}

/** What every failure domain has room for; who starts takes some. Without a spread there is always room. */
export class Domains {
  private readonly counts = new Map<string, Counts>();

  constructor(
    private readonly spread: Spread | undefined,
    nodes: readonly NodeStanding[],
  ) {
    if (spread === undefined) return;
    for (const node of nodes) {
      const counts = this.countsOf(node.facts);
      counts.nodes += 1;
      if (countsAsFailure(node)) counts.failures += 1;
      else if (isUnderWay(node)) counts.onTheWay += 1;
      else if (isUnknown(node)) counts.unmeasured += 1;
    }
  }

  private countsOf({ labels }: NodeFacts): Counts {
    const name = this.spread === undefined ? '' : domainOf(this.spread, labels);
    const known = this.counts.get(name) ?? { nodes: 0, onTheWay: 0, failures: 0, unmeasured: 0 };
    this.counts.set(name, known);
    return known;
  }

  private atMost({ nodes }: Counts): number {
    return this.spread === undefined ? Infinity : sizeOf(this.spread.atMost, nodes);
  }

  /** As many of its domain as may be are on their way or unwell. */
  isFull({ facts }: NodeStanding): boolean {
    const counts = this.countsOf(facts);
    return counts.onTheWay + counts.failures + counts.unmeasured >= this.atMost(counts);
  }

  /** So many of its domain are unwell that nobody else of it could ever start. */
  isUsedUp({ facts }: NodeStanding): boolean {
    const counts = this.countsOf(facts);
    return counts.failures >= this.atMost(counts);
  }

  /** So many of its domain are unwell, or could not be measured, that nobody else of it starts before a person has looked. */
  isStuck({ facts }: NodeStanding): boolean {
    const counts = this.countsOf(facts);
    return counts.failures + counts.unmeasured >= this.atMost(counts);
  }

  /** Those of its domain, of these, of whom nobody knows how they are. */
  unknownBeside<T extends NodeStanding>({ facts }: NodeStanding, nodes: readonly T[]): T[] {
    const { spread } = this;
    if (spread === undefined) return [];
    const name = domainOf(spread, facts.labels);
    return nodes.filter((node) => isUnknown(node) && domainOf(spread, node.facts.labels) === name);
  }

  /** @returns whether there was room for it. */
  take(node: NodeStanding): boolean {
    if (this.isFull(node)) return false;
    this.countsOf(node.facts).onTheWay += 1;
    return true;
  }

  of({ facts }: NodeStanding): DomainState {
    const counts = this.countsOf(facts);
    const name = this.spread === undefined ? '' : domainOf(this.spread, facts.labels);
    return { name, ...counts, atMost: this.atMost(counts) };
  }
}
