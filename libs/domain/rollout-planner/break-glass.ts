// SPDX-License-Identifier: GPL-2.0-only
/** An emergency: who begins it, and why. */
export interface BreakGlass {
  readonly by: string;
  readonly reason: string;
}

const minuteMs = 60_000;

/** For so long an emergency rollout may skip what it skips. */
export const emergencyMs = 180 * minuteMs;

/** Windows are skipped now. @param sinceMs when it began; undefined of a rollout that is no emergency */
export const isUrgent = (sinceMs: number | undefined, nowMs: number): boolean =>
  sinceMs !== undefined && nowMs - sinceMs < emergencyMs;

/** Why no rollout may be an emergency by these rules; undefined if it may. */
export function refuseEmergency(
  breakGlass: BreakGlass | undefined,
  { haltsOnCrash }: { readonly haltsOnCrash: boolean },
): string | undefined {
  if (breakGlass === undefined) return undefined;
  if (breakGlass.reason.trim() === '')
    return 'Say why the glass is broken, with --reason TEXT: it is told to everybody.';
  return haltsOnCrash
    ? undefined
    : 'An emergency halts at the first host that does not survive: leave --go-on-after-crash out.';
}

/** What somebody else has said of an emergency, afterwards. */
export interface Confirmation {
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
}

export type ConfirmationRefusal =
  | { readonly reason: 'no-emergency' }
  | { readonly reason: 'own-emergency'; readonly by: string }
  | { readonly reason: 'confirmed-already'; readonly by: string };

/** Why somebody's confirmation counts for nothing. */
export function refuseConfirmation(
  by: string,
  breakGlass: BreakGlass | undefined,
  given: Confirmation | undefined,
): ConfirmationRefusal | undefined {
  if (breakGlass === undefined) return { reason: 'no-emergency' };
  if (given !== undefined) return { reason: 'confirmed-already', by: given.by };
  return breakGlass.by === by ? { reason: 'own-emergency', by } : undefined;
}

/** Says it in words, with what to type next. */
export function explainConfirmationRefusal(refusal: ConfirmationRefusal, id: string): string {
  switch (refusal.reason) {
    case 'no-emergency':
      return `Rollout ${id} is no emergency: there is nothing to confirm. \`lockstep rollout approve\` approves one that waits for it.`;
    case 'own-emergency':
      return `${refusal.by} broke the glass for rollout ${id}: let somebody else confirm it.`;
    case 'confirmed-already':
      return `${refusal.by} has confirmed rollout ${id} already.`;
  }
}
