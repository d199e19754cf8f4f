// SPDX-License-Identifier: GPL-2.0-only

/**
 * For so long a node whose stream ended may just be reconnecting: a hiccup of the network is no lost node. An agent that
 * finds us at its first tries is back within two seconds; one that has tried for long pauses up to 15 s, and counts as gone.
 */
export const returnGraceMs = 5_000;

/** What one return costs the event loop: a handshake, a hello, a report. */
const eachMs = 6;
const shortestWindowMs = 300;
const longestWindowMs = 60_000;

/** Over how long so many nodes are to spread their returns: in step they would keep each other out. */
export const returnWindowMs = (nodes: number): number =>
  Math.min(longestWindowMs, Math.max(shortestWindowMs, nodes * eachMs));

/** After how long one of so many that went at once counts as lost. */
export const lostAfterMs = (nodes: number): number => returnGraceMs + returnWindowMs(nodes);
