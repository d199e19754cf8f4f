// SPDX-License-Identifier: GPL-2.0-only
import type { Labels } from './labels';

/** A node's labels, by who says so. */
export interface NodeLabels {
  /** Its agent, from the machine's own configuration. */
  readonly reported: Labels;
  /** Operators. */
  readonly assigned: Labels;
}

/** Those that count: of one key the operators' word. */
export const effectiveLabels = ({ reported, assigned }: NodeLabels): Labels => new Map([...reported, ...assigned]);
