// SPDX-License-Identifier: GPL-2.0-only
/** Whose word a rollout needs before anything begins. */
export interface ApprovalRules {
  /** Distinct people, at least 1. */
  readonly needed: number;
  /** Whose count, as `person:alice`; none: anybody's who may approve. */
  readonly among: readonly string[];
  /** Who asked for the rollout: never one of them. */
  readonly author: string;
  /** For so long an approval counts. */
  readonly validMs: number;
}

/** Why approvals asked for like this could never be given; undefined if they can. */
export function refuseApprovals({ needed, among, author }: ApprovalRules): string | undefined {
  if (!Number.isSafeInteger(needed) || needed < 1 || needed > 20) return 'Ask for 1 to 20 approvals, or for none (0).';
  if (among.length === 0) return undefined;
  const others = new Set(among.filter((name) => name !== author));
  if (others.size >= needed) return undefined;
  const who = others.size === 0 ? 'nobody' : [...others].join(', ');
  const without = among.includes(author) ? `, without ${author}, who asks for it,` : '';
  return `${needed} distinct people are to approve, and${without} there is ${who}: name more, or ask for fewer.`;
}
