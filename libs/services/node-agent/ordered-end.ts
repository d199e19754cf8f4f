// SPDX-License-Identifier: GPL-2.0-only

/** Why a process ends: it alone, or with the machine, which is shut down in order. */
export type EndReason = 'agent-stops' | 'machine-stops';

/**
 * A transition may take a minute; leaving it alone is safe, the next life of the agent waits for it. A machine that is shut
 * down has much to do at once, and without the mark its next boot takes this for a crash.
 */
const stopWithinMs: Readonly<Record<EndReason, number>> = { 'agent-stops': 2_000, 'machine-stops': 20_000 };

/** Whether what is to stop has stopped in the time that there is. */
export function stopsInTime(why: EndReason, stopping: Promise<unknown>): Promise<boolean> {
  const tooLong = new Promise<false>((resolve) => setTimeout(resolve, stopWithinMs[why], false).unref());
  return Promise.race([stopping.then(() => true), tooLong]);
}
