// SPDX-License-Identifier: GPL-2.0-only

/** More rows than this are higher than browsers draw. */
export const mostLines = 800_000;

/** The lines of a log as they come, each once, however often it is told. */
export class LineLog {
  private kept: string[] = [];
  /** Number of the first one that is kept. */
  private first = 0;

  constructor(private readonly most = mostLines) {}

  /** The line after the last one that is known: where a watch that broke is taken up again. */
  get next(): number {
    return this.first + this.kept.length;
  }

  get count(): number {
    return this.kept.length;
  }

  at(index: number): string {
    return this.kept[index] ?? '';
  }

  /** @param nextLine number of the line after these */
  take(nextLine: number, texts: readonly string[]): void {
    const from = nextLine - texts.length;
    const known = Math.max(0, this.next - from);
    // None is missing: a stream goes on where it was left. If one were, what comes would stand at its own place.
    if (from > this.next) {
      this.kept = [];
      this.first = from;
    }
    for (const text of texts.slice(known)) this.kept.push(text);
    if (this.kept.length <= this.most) return;
    // A tenth at once: what is cut off is moved each time.
    const cut = this.kept.length - Math.floor(this.most * 0.9);
    this.kept = this.kept.slice(cut);
    this.first += cut;
  }
}
