// SPDX-License-Identifier: GPL-2.0-only

/** Time of day as it was at the start, going on evenly, whatever becomes of the clock. @param atMs of `performance.now()` */
export const steadyTimeMs = (atMs = performance.now()): number => Math.round(performance.timeOrigin + atMs);
