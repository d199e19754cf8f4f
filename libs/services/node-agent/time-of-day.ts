// SPDX-License-Identifier: GPL-2.0-only

/** What the next boot compares with what this one left behind; no duration is measured by it. */
export const timeOfDayMs = (): number => Date.now();
