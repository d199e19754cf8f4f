// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';

/** Twice a second is as often as eyes follow. */
const everyMs = 500;

/** For a watcher that looks by itself; at once when it leaves. @returns whether it is still there. */
export const mayLookAgain = (signal: AbortSignal): Promise<boolean> =>
  sleep(everyMs, true, { signal, ref: false }).catch(() => false);
