// SPDX-License-Identifier: GPL-2.0-only
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Row } from './fix-row';

interface KeptRow {
  readonly kernel: string;
  /** sha256 of the fix's diff. */
  readonly fix: string;
  /** What it was exercised by, where it was loaded. */
  readonly exercise?: string;
  readonly row: Row;
}

/**
 * Results in a file, a line each, written as they come: what is there is not tried again, but for what was loaded and exercised
 * in another way.
 */
export class KeptRows {
  private readonly rows = new Map<string, Row>();

  /** @param file undefined: nothing is kept */
  constructor(
    private readonly file: string | undefined,
    private readonly kernel: string,
    private readonly exercise: string,
  ) {
    if (file === undefined || !existsSync(file)) return;
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (line === '') continue;
      const kept = JSON.parse(line) as KeptRow;
      const isOfAnother = kept.row.outcome.kind === 'loaded' && kept.exercise !== exercise;
      if (kept.kernel === kernel && !isOfAnother) this.rows.set(kept.fix, kept.row);
    }
  }

  of(fix: string): Row | undefined {
    return this.rows.get(fix);
  }

  keep(fix: string, row: Row): void {
    if (this.file === undefined) return;
    const kept: KeptRow = { kernel: this.kernel, fix, exercise: this.exercise, row };
    appendFileSync(this.file, `${JSON.stringify(kept)}\n`);
  }
}
