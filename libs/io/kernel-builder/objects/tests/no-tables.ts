// SPDX-License-Identifier: GPL-2.0-only
import type { TableLayouts } from '@lockstep/domain/object-diff';

/** Of a kernel whose code has no tables. */
export const noTables: TableLayouts = {
  bugEntryBytes: 0,
  bugLineOffset: -1,
  bugFileBias: 0,
  exceptionEntryBytes: 0,
  jumpEntryBytes: 0,
  alternativeEntryBytes: 0,
  alternativeLengthOffset: 0,
  paravirtEntryBytes: 0,
  staticCallEntryBytes: 0,
  orcEntryBytes: 0,
  dynamicDebugEntryBytes: 0,
  dynamicDebugLineOffset: 0,
};
