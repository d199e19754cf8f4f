// SPDX-License-Identifier: GPL-2.0-only

/** What kbuild saved beside an object, in `.NAME.cmd`, to know when to make it again. */
export interface SavedCommand {
  /** Path of what the command makes, below the tree's root. */
  target: string;
  /** The shell command, unescaped; on kernels from 5.19 on it ends with the objtool call. */
  command: string;
  /** The C or assembly file, below the root; undefined for what is linked or archived. */
  source: string | undefined;
  /** Every other file that was read; below the root, or absolute for the compiler's own headers. */
  dependencies: string[];
}

/**
 * Reads the text of a kbuild `.cmd` file (scripts/Kbuild.include, scripts/basic/fixdep.c).
 * Returns undefined where it holds no command.
 */
export function parseCmdFile(text: string): SavedCommand | undefined {
  const command = /^(?:saved)?cmd_(\S+) := (.*)$/m.exec(text);
  if (command?.[1] === undefined || command[2] === undefined) return undefined;
  const target = command[1];
  const source = /^source_\S+ := (.*)$/m.exec(text)?.[1]?.trim();
  return {
    target,
    command: unescapeMake(command[2]),
    source: source === undefined ? undefined : normalise(source),
    dependencies: parseDependencies(text),
  };
}

/** make reads the file back: `$` is doubled in it and `#` has a name. */
function unescapeMake(text: string): string {
  return text.replace(/\$\(pound\)|\$\$/g, (escape) => (escape === '$$' ? '$' : '#'));
}

function parseDependencies(text: string): string[] {
  const start = text.search(/^deps_\S+ := /m);
  if (start < 0) return [];
  const end = text.indexOf('\n\n', start);
  const block = text.slice(text.indexOf(':=', start) + 2, end < 0 ? undefined : end);
  return block
    .split('\n')
    .map((line) => line.replace(/\\$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('$('))
    .map(normalise);
}

/** Hardly any of the million names that the readers of one header read; to take each apart takes seconds. */
const oddPart = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** `./a/../b` and `b` are one file. */
function normalise(path: string): string {
  if (!oddPart.test(path)) return path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '.' || (part === '' && parts.length > 0)) continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..' && parts.at(-1) !== '') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

/** Files of the tree that a command without saved dependencies names: what a generator reads. */
export function namedFiles(command: string): string[] {
  const words = command.split(/[\s'"();|<>&=,]+/).map(normalise);
  return words.filter((word) => /^[\w.+-][\w./+-]*\.(?:h|c|S|tbl|sh|awk|pl|txt|lds)$/.test(word));
}
