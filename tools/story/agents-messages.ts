// SPDX-License-Identifier: GPL-2.0-only

/** To the process of the agents, once. */
export interface StartAgents {
  /** host:port where nodes enrol. */
  readonly server: string;
  /** Good for all of them. */
  readonly joinToken: string;
  /** Of each a folder, in which `kernel/` stands for its kernel. */
  readonly nodes: readonly { readonly name: string; readonly folder: string }[];
}

/** From it, whenever another one has started. */
export interface AgentsState {
  readonly started: number;
  readonly failure?: string;
}
