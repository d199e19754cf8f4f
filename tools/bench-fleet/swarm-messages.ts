// SPDX-License-Identifier: GPL-2.0-only
// What the benchmark and the processes of its agents tell each other.

export interface SwarmStart {
  readonly kind: 'start';
  readonly operatorAddress: string;
  readonly agentHost: string;
  readonly agentPort: number;
  readonly ca: string;
  readonly heartbeatMs: number;
  readonly switchMs: number;
  /** How many come in a second. */
  readonly connectPerSecond: number;
}

export type SwarmOrder =
  | SwarmStart
  | { readonly kind: 'enrol'; readonly joinTokens: readonly string[] }
  /** These have enrolled. */
  | { readonly kind: 'take'; readonly identities: readonly { readonly certificate: string; readonly key: string }[] }
  /** These, by their places among those taken, find the server's certificate no good from their next try on, as with a clock that is years off. */
  | { readonly kind: 'distrust'; readonly places: readonly number[]; readonly ca: string }
  /** All that have enrolled begin to connect. */
  | { readonly kind: 'connect' };

/** How many agents are how far. */
export interface SwarmState {
  readonly enrolled: number;
  readonly connected: number;
  /** Of how many the log has an entry of this seq: [of seq 1, of seq 2, …]. */
  readonly knowing: readonly number[];
  /** The same of positions. */
  readonly arrived: readonly number[];
  /** Sessions that ended, of all agents, ever. */
  readonly lost: number;
  /** Connections that came to stand, of all agents, ever. */
  readonly begun: number;
  /** Why sessions ended, and tries to connect (`try: …`), and how many did. */
  readonly endings: Readonly<Record<string, number>>;
  readonly failure: string | undefined;
}

export const nobody: SwarmState = {
  ...{ enrolled: 0, connected: 0, knowing: [], arrived: [], lost: 0, begun: 0, endings: {}, failure: undefined },
};
