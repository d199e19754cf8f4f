// SPDX-License-Identifier: GPL-2.0-only

const heldOutStatuses = ['diverged', 'forked', 'ahead', 'implausible'] as const;

/** Someone must act before such a node moves again: no rollout sends it anywhere, none waits for it. */
export type HeldOutStatus = (typeof heldOutStatuses)[number];

/**
 * How a node is, by its agent's word or its control plane's: the same words from the wire (`NodeStatus`) to plans and
 * the CLI.
 * - `in-step`: holds exactly the stack of its position;
 * - `moving`: on its way to its target;
 * - `failed`: cannot reach it, and tries again;
 * - `quarantined`: did not survive an entry, and loads nothing from it on until the entry is retired or released;
 * - `diverged`: its kernel holds what the load order does not explain;
 * - `forked`: its log and the control plane's are two histories;
 * - `ahead`: its log goes on, rightly signed, where the control plane's ends: that one has lost entries;
 * - `implausible`: what it reports cannot be true, so nothing of it is believed.
 */
export type NodeStatus = 'in-step' | 'moving' | 'failed' | 'quarantined' | HeldOutStatus;

export const isHeldOutStatus = (status: NodeStatus): status is HeldOutStatus =>
  heldOutStatuses.some((heldOut) => heldOut === status);

/** Its log is not one that this control plane can go on with: true of it whether it is connected or not. */
export const hasStrayLog = (status: NodeStatus): boolean => status === 'forked' || status === 'ahead';
