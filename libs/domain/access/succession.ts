// SPDX-License-Identifier: GPL-2.0-only

/** Certifies nodes, control planes and client certificates. */
export interface Authority {
  /** sha256 (hex) of its key: what join tokens name. */
  readonly pinSha256: string;
  /** PEM, signed by itself. */
  readonly certificatePem: string;
}

/** What came, or is to come, after the first. */
export interface Successor extends Authority {
  /** The same key, signed by the one before: by it whoever trusts only that one trusts this one. */
  readonly crossCertificatePem: string;
  /** It signs, or did. */
  readonly tookOver: boolean;
  /** Those before it are trusted no more. */
  readonly retiredBefore: boolean;
}

export type AuthorityStage = 'prepared' | 'signs' | 'retiring' | 'retired';

export interface Succession {
  /** In the order of their making. */
  readonly all: readonly (Authority & { readonly stage: AuthorityStage })[];
  readonly signs: Authority;
  /** Whom everybody is to trust: who signs, who signed and may still be met, and who comes next. */
  readonly trusted: readonly Authority[];
  readonly prepared: Successor | undefined;
  readonly retiring: Authority | undefined;
  /**
   * Where chains end that control planes show: the oldest that is trusted, since there may be nodes that know no other. Between
   * it and who signs stand these.
   */
  readonly anchor: Authority;
  readonly between: readonly string[];
}

/** Who is what, when `successors` (in the order of their making) have come after the first. */
export function successionOf(first: Authority, successors: readonly Successor[]): Succession {
  const line: readonly (Authority & Partial<Successor>)[] = [first, ...successors];
  const signing = successors.findLastIndex(({ tookOver }) => tookOver) + 1;
  const oldest = successors.findLastIndex(({ retiredBefore }) => retiredBefore) + 1;
  const stageOf = (index: number): AuthorityStage => {
    if (index < oldest) return 'retired';
    if (index < signing) return 'retiring';
    return index === signing ? 'signs' : 'prepared';
  };
  const at = (index: number): Authority => line[index] ?? first;
  return {
    all: line.map(({ pinSha256, certificatePem }, index) => ({ pinSha256, certificatePem, stage: stageOf(index) })),
    signs: at(signing),
    trusted: line.slice(oldest),
    prepared: successors[signing],
    retiring: oldest < signing ? at(oldest) : undefined,
    anchor: at(oldest),
    // From who signs down to the anchor: each signed by the one that follows.
    between: successors
      .slice(oldest, signing)
      .map(({ crossCertificatePem }) => crossCertificatePem)
      .reverse(),
  };
}

/** What a node has said of whom it trusts. */
export interface TrustingNode {
  readonly name: string;
  /** Undefined: it has said nothing of it. */
  readonly trust: { readonly authorities: readonly string[]; readonly certifiedBy: string } | undefined;
}

/** Those that would meet a stranger if `authority` signed now. */
export const notTrusting = (nodes: readonly TrustingNode[], { pinSha256 }: Authority): TrustingNode[] =>
  nodes.filter(({ trust }) => trust?.authorities.includes(pinSha256) !== true);

/** Those that would have no certificate any more if `authority` alone were trusted. */
export const notCertifiedBy = (nodes: readonly TrustingNode[], { pinSha256 }: Authority): TrustingNode[] =>
  nodes.filter(({ trust }) => trust?.certifiedBy !== pinSha256);
