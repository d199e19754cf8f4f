// SPDX-License-Identifier: GPL-2.0-only

/** A hundred nodes begin in a second: half of what may be under way at once, where a module takes a second. */
const eachMs = 10;
const shortestMs = 5_000;
const longestMs = 600_000;

/** Over how long so many nodes spread the fetching of an entry's modules, before anybody tells them to load it. */
export const fetchWindowMs = (nodes: number): number => Math.min(longestMs, Math.max(shortestMs, nodes * eachMs));
