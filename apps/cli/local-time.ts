// SPDX-License-Identifier: GPL-2.0-only

const here = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short' });

/** By the clocks of whoever types, as their machine or TZ has it: `2026-11-29 02:00 (Europe/Berlin)`. */
export const showHere = (time: Date): string => `${here.format(time)} (${here.resolvedOptions().timeZone})`;
