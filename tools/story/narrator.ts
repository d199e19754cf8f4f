// SPDX-License-Identifier: GPL-2.0-only

/** Of a command's output; the rest is counted. */
const mostLines = 12;
const mostColumns = 150;

export interface ToldChapter {
  readonly title: string;
  readonly seconds: number;
  readonly commands: readonly string[];
}

/** Lines of a command's output as the story shows them: the first few, none of them long. */
export function inShort(output: string, most = mostLines): string[] {
  const lines = output
    .trimEnd()
    .split('\n')
    .filter((line) => line.trim() !== '');
  const shown = lines
    .slice(0, most)
    .map((line) => (line.length > mostColumns ? `${line.slice(0, mostColumns - 1)}…` : line));
  const left = lines.length - shown.length;
  return left > 0 ? [...shown, `… ${left} more lines`] : shown;
}

/** Prints the story as it happens, and keeps what a document of it needs. */
export class Narrator {
  readonly chapters: ToldChapter[] = [];
  private commands: string[] = [];

  constructor(private readonly output: NodeJS.WritableStream) {}

  async chapter<T>(title: string, tell: () => Promise<T>): Promise<T> {
    const begunMs = performance.now();
    this.commands = [];
    this.line(`\n== ${title}`);
    const told = await tell();
    const seconds = Math.round((performance.now() - begunMs) / 100) / 10;
    this.chapters.push({ title, seconds, commands: this.commands });
    return told;
  }

  say(text: string): void {
    this.line(`   ${text}`);
  }

  command(person: string, text: string, output: string, most?: number): void {
    this.commands.push(`${person}$ ${text}`);
    this.line(`${person}$ ${text}`);
    for (const line of inShort(output, most)) this.line(`   | ${line}`);
  }

  private line(text: string): void {
    this.output.write(`${text}\n`);
  }
}
