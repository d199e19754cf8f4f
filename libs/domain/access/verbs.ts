// SPDX-License-Identifier: GPL-2.0-only

/** What a call does to what it is about, as rights are given. */
export const verbs = [
  /** Reads what there is. */
  'look',
  /** Reads who did what. */
  'audit',
  /** Submits diffs, and ends their builds. */
  'build',
  /** Registers kernels that patches are built for. */
  'register',
  /** Changes what nodes are to hold. */
  'order',
  /** Moves nodes there. */
  'roll-out',
  /** Moves nodes there at once, in an emergency: no windows, approvals or bake time. */
  'break-glass',
  /** Agrees to what somebody else wants moved. */
  'approve',
  /** Lets machines become nodes, and takes them out. */
  'admit',
  /** Makes clusters, and changes how they behave. */
  'set-up',
  /** Gives rights and takes them. */
  'grant',
  /** Begins and ends sessions of its own. */
  'sign-in',
  /** Asks who it is itself. */
  'ask-self',
  /** Asks whether calls are answered. */
  'probe',
  /** Becomes a node, by a join token. */
  'join',
  /** Follows its cluster's load order, as a node. */
  'follow',
  /** Has its own certificate made anew, as a node; also with one that has expired. */
  'renew',
] as const;

export type Verb = (typeof verbs)[number];
