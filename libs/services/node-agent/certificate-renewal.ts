// SPDX-License-Identifier: GPL-2.0-only
import { X509Certificate } from 'node:crypto';

const dayMs = 24 * 3600 * 1000;
/** Certificates of before there were renewals last for years: they are changed for one of a month soon. */
const longestLifeMs = 31 * dayMs;
/** Around half of a certificate's life: those that enrolled together must not come together again. */
const spread = 0.1;
/** After a renewal that failed. */
const retryAfterMs = 3_600_000;

function dueAtMs(certificatePem: string, random: number): number {
  const { validFrom, validTo } = new X509Certificate(certificatePem);
  const beginsMs = Date.parse(validFrom);
  const lifeMs = Math.min(Date.parse(validTo) - beginsMs, longestLifeMs);
  return beginsMs + lifeMs * (0.5 - spread + 2 * spread * random);
}

/** Says when a certificate is to be renewed. */
export class CertificateRenewal {
  private dueAtMs: number;

  /** @param random from 0 to 1. */
  constructor(certificatePem: string, random = Math.random()) {
    this.dueAtMs = dueAtMs(certificatePem, random);
  }

  isDue(): boolean {
    return Date.now() >= this.dueAtMs;
  }

  noteFailure(): void {
    this.dueAtMs = Date.now() + retryAfterMs;
  }

  /** By a clock that is weeks ahead the new one is due at once again. */
  noteRenewed(certificatePem: string): void {
    this.dueAtMs = Math.max(dueAtMs(certificatePem, Math.random()), Date.now() + retryAfterMs);
  }

  /** Another authority certifies nodes now: at some time within this. */
  noteSuperseded(withinMs: number): void {
    this.dueAtMs = Math.min(this.dueAtMs, Date.now() + Math.random() * withinMs);
  }

  /** The control plane says so, by its clock: until it is renewed there is no session. */
  noteExpired(): void {
    this.dueAtMs = -Infinity;
  }
}
