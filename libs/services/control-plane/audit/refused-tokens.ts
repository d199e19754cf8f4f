// SPDX-License-Identifier: GPL-2.0-only
import type { AuditEvent } from '@lockstep/domain/audit';

/** One record says what was refused in so long: strangers can fill no log with it. */
const recordEveryMs = 60_000;
/** The first of them is told soon, with those that come with it. */
const firstAfterMs = 1_000;
const mostNamed = 10;

export interface RefusedToken {
  /** `token-wrong`, `token-expired`, `token-revoked`. */
  readonly reason: string;
  /** Of one that was good once. */
  readonly token: string | undefined;
  readonly address: string;
}

/** Calls with access tokens that are no good: counted, and written down in summary. */
export class RefusedTokens {
  private readonly counts = new Map<string, number>();
  private readonly addresses = new Set<string>();
  private readonly tokens = new Set<string>();
  private toldAtMs = -Infinity;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly tell: (event: AuditEvent) => void) {}

  note({ reason, token, address }: RefusedToken): void {
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1);
    if (this.addresses.size < mostNamed) this.addresses.add(address);
    if (token !== undefined && this.tokens.size < mostNamed) this.tokens.add(token);
    const waitMs = Math.max(firstAfterMs, this.toldAtMs + recordEveryMs - performance.now());
    this.timer ??= setTimeout(() => {
      this.flush();
    }, waitMs).unref();
  }

  /** Tells what was not told yet. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.counts.size === 0) return;
    this.toldAtMs = performance.now();
    const [addresses, tokens] = [[...this.addresses], [...this.tokens]];
    const details = JSON.stringify({
      refused: Object.fromEntries(this.counts),
      addresses,
      ...(tokens.length > 0 && { tokens }),
    });
    const from = addresses.length === 1 ? (addresses[0] ?? '') : '';
    for (const each of [this.counts, this.addresses, this.tokens]) each.clear();
    this.tell({
      ...{ who: 'unknown', token: '', from, call: 'Access/Identify', on: 'installation' },
      ...{ details, because: '', result: 'unauthenticated' },
    });
  }
}
