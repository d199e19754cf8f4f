// SPDX-License-Identifier: GPL-2.0-only
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Crowd, Figures } from './figures';

/** What was measured, so that it is not measured again. */
export interface Measured extends Crowd {
  /** Its image, which the cache names by what it was made of. */
  readonly kernel: string;
  readonly rounds: number;
  readonly tries: number;
}

interface Kept extends Measured {
  readonly figures: Figures;
}

const keyOf = ({ kernel, tasks, runningPercent, cpus, rounds, tries }: Measured): string =>
  [kernel, tasks, runningPercent, cpus, rounds, tries].join(' ');

/**
 * Figures in a file, a line each as they come: a run that was cut off goes on where it was. Each begins its line, so that it
 * does not join one that was cut off. Without a file nothing is kept.
 */
export class KeptFigures {
  private readonly known: ReadonlyMap<string, Figures>;

  constructor(private readonly file: string | undefined) {
    const kept = file !== undefined && existsSync(file) ? readFileSync(file, 'utf8').split('\n').flatMap(keptIn) : [];
    this.known = new Map(kept.map((entry) => [keyOf(entry), entry.figures]));
  }

  async getOrMeasure(what: Measured, measure: () => Promise<Figures>): Promise<Figures> {
    const known = this.known.get(keyOf(what));
    if (known !== undefined) return known;
    const figures = await measure();
    const kept: Kept = { ...what, figures };
    if (this.file !== undefined) appendFileSync(this.file, `\n${JSON.stringify(kept)}`);
    return figures;
  }
}

/** A line may have been cut off with the run that wrote it. */
function keptIn(line: string): Kept[] {
  try {
    return line === '' ? [] : [JSON.parse(line) as Kept];
  } catch {
    return [];
  }
}
