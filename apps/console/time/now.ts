// SPDX-License-Identifier: GPL-2.0-only
import { useSyncExternalStore } from 'react';

const everyMs = 1_000;

let nowMs = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    nowMs = Date.now();
    for (const each of listeners) each();
  }, everyMs);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

const minuteMs = 60_000;

/** The time of day, to the minute: of what does not move faster. */
export const useMinuteMs = (): number => useSyncExternalStore(subscribe, () => Math.floor(nowMs / minuteMs) * minuteMs);

/** The time of day, to the second: one clock for all that shows how long ago something was. */
export const useNowMs = (): number => useSyncExternalStore(subscribe, () => nowMs);
