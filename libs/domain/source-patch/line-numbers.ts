// SPDX-License-Identifier: GPL-2.0-only

/** A run of lines that ends where a function, a struct or the like does. */
export interface Region {
  /** With all its newlines. */
  readonly text: string;
  /** What `__LINE__` is in its first line. */
  readonly firstLine: number;
}

/** `}` at the start of a line ends what began before it; behind `})` arguments of a macro may go on. */
const lastLine = /^\}[^)]*(?<!\\)$/;
/** What begins at the start of a line behind an empty one is new, unless it is a label. */
const firstLine = /^(?:[A-Za-z_](?!\w*:)|\/\*|#)/;

function cut(text: string): string[] {
  const regions: string[] = [];
  let region = '';
  let previous = '';
  for (const line of text.split(/(?<=\n)/)) {
    const bare = line.replace(/\n$/, '');
    const begins = lastLine.test(previous) || (previous.trim() === '' && firstLine.test(bare));
    if (begins && region !== '') {
      regions.push(region);
      region = '';
    }
    region += line;
    previous = bare;
  }
  return region === '' ? regions : [...regions, region];
}

const linesIn = (text: string): number => text.split('\n').length - 1;

/** A source as it is. */
export function regionsOf(text: string): Region[] {
  return numbered(cut(text), new Map());
}

/**
 * A changed source, in which whatever is as it was keeps the line numbers that it had. A hunk moves all that follows it,
 * and each warning, assertion and debug message there has its line in code or data: all those functions would differ.
 */
export function regionsLike(before: readonly Region[], text: string): Region[] {
  const known = new Map<string, number[]>();
  for (const region of before) {
    const lines = known.get(region.text);
    if (lines === undefined) known.set(region.text, [region.firstLine]);
    else lines.push(region.firstLine);
  }
  return numbered(cut(text), known);
}

function numbered(texts: readonly string[], known: ReadonlyMap<string, number[]>): Region[] {
  let line = 1;
  return texts.map((text) => {
    const region = { text, firstLine: known.get(text)?.shift() ?? line };
    line += linesIn(text);
    return region;
  });
}

/** The source with `#line` directives from the first region on that does not follow the one before it. */
export function withLineNumbers(regions: readonly Region[]): string {
  let next = 1;
  let isMoved = false;
  return regions
    .map(({ text, firstLine }) => {
      isMoved ||= firstLine !== next;
      next = firstLine + linesIn(text);
      // In each of them: one that the preprocessor skips or a comment hides must not count for the rest.
      return isMoved ? `#line ${firstLine}\n${text}` : text;
    })
    .join('');
}

/** Sources whose lines the compiler counts. */
export const hasLineNumbers = (path: string): boolean => /\.[ch]$/.test(path);
