// SPDX-License-Identifier: GPL-2.0-only
import type { CodeTables } from './code-tables';
import type { ReferenceReader } from './references';

/** One of the two builds. */
export interface Side {
  readonly reader: ReferenceReader;
  readonly tables: CodeTables;
}
