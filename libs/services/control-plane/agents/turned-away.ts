// SPDX-License-Identifier: GPL-2.0-only
import { comeBackWithinField } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { sha256OfBytes } from '@lockstep/platform/runtime';

/** Only a new enrolment mends it, with another key. */
const forGood = 'certificate-revoked';
const forGoodFirstMs = 30_000;
/** Of the others another control plane may know better already, or this one in a moment. */
const firstMs = 1_000;
const longestMs = 600_000;
/** What a clock makes of it, a clock that is set mends. */
const byClock: ReadonlySet<string> = new Set(['certificate-not-yet-valid', 'certificate-expired']);
const longestByClockMs = 60_000;
/** As many are remembered; whoever is forgotten begins anew. */
const mostRemembered = 20_000;

interface Told {
  readonly withinMs: number;
  readonly atMs: number;
}

/**
 * Tells those whose certificates are no good when to come again: each within twice the time of before. Each try costs a handshake,
 * and without a word they come for ever, as often as those who find nobody.
 */
export class TurnedAway {
  /** By certificate; who was told last is last. */
  private readonly told = new Map<string, Told>();

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** The error as it is to be told. @param certificate that was shown, DER */
  tell(error: unknown, certificate: Buffer | undefined): unknown {
    if (!(error instanceof LockstepError) || certificate === undefined) return error;
    const { kind, reason, message, fields, cause } = error;
    const key = sha256OfBytes(certificate);
    const withinMs = this.nextMs(this.told.get(key), reason);
    this.told.delete(key);
    this.told.set(key, { withinMs, atMs: this.nowMs() });
    const [oldest] = this.told.keys();
    if (oldest !== undefined && this.told.size > mostRemembered) this.told.delete(oldest);
    return new LockstepError(kind, reason, message, { ...fields, [comeBackWithinField]: withinMs }, { cause });
  }

  /** Who was not here for far longer than it was told to stay away has been let in since, or was switched off. */
  private nextMs(before: Told | undefined, reason: string): number {
    const beganMs = reason === forGood ? forGoodFirstMs : firstMs;
    if (before === undefined || this.nowMs() - before.atMs > 2 * before.withinMs + longestByClockMs) return beganMs;
    return Math.min(byClock.has(reason) ? longestByClockMs : longestMs, Math.max(beganMs, before.withinMs * 2));
  }
}
