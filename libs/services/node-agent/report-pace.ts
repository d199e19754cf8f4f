// SPDX-License-Identifier: GPL-2.0-only

/** As many at once after a quiet time, and then so far apart: less than a control plane takes of one node. */
const atOnce = 10;
const everyMs = 250;

/**
 * When a report may leave. What a node shows can change many times in a second, as while a load is tried again and again;
 * only how it stands then is worth telling, and who reports without a pause is cut off.
 */
export class ReportPace {
  private usedUpAtMs = -Infinity;
  private late: NodeJS.Timeout | undefined;

  constructor(
    private readonly send: () => void,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Sends now, or as soon as it may: what is asked for meanwhile goes with it. */
  request(): void {
    if (this.late !== undefined) return;
    const now = this.nowMs();
    const usedUpAtMs = Math.max(now, this.usedUpAtMs);
    const waitMs = usedUpAtMs - now - (atOnce - 1) * everyMs;
    if (waitMs <= 0) {
      this.usedUpAtMs = usedUpAtMs + everyMs;
      this.send();
      return;
    }
    this.late = setTimeout(() => {
      this.late = undefined;
      this.request();
    }, Math.ceil(waitMs));
  }

  stop(): void {
    clearTimeout(this.late);
    this.late = undefined;
  }
}
