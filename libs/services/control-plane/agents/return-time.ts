// SPDX-License-Identifier: GPL-2.0-only

/**
 * For so long a node whose stream ended may just be reconnecting: the longest pause between two tries of an agent that nobody refuses, 15 s, one
 * try to connect of 10 s, and a margin. Only then is it lost.
 */
export const returnGraceMs = 30_000;

/** An agent asks a control plane that says nothing whether it lives (20 s), and waits for the answer (10 s). */
export const hungNoticedMs = 30_000;

/** What one return costs the event loop: a handshake, a hello, a report. */
const eachMs = 6;
const shortestWindowMs = 300;
const longestWindowMs = 60_000;

/** Over how long so many nodes are to spread their returns: in step they would keep each other out. */
export const returnWindowMs = (nodes: number): number =>
  Math.min(longestWindowMs, Math.max(shortestWindowMs, nodes * eachMs));

/** After how long one of so many that went at once counts as lost. */
export const lostAfterMs = (nodes: number, graceMs = returnGraceMs): number => graceMs + returnWindowMs(nodes);
