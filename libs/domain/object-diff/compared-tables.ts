// SPDX-License-Identifier: GPL-2.0-only
import type { SiteTable } from './section-roles';

/** Tables whose entries say something that the code does not; the others are lists of places in it. */
export const comparedTables: readonly SiteTable[] = [
  '__bug_table',
  '__ex_table',
  '__jump_table',
  '.altinstructions',
  '.parainstructions',
  '.static_call_sites',
];
