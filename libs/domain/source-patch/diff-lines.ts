// SPDX-License-Identifier: GPL-2.0-only
import type { LockstepError } from '@lockstep/domain/livepatch-model';
import { sourcePatchError } from './failure';

const fileHeader = /^(?:diff --git |--- |\+\+\+ |@@ )/;

/** Reads the text of a diff line by line. */
export class DiffLines {
  private readonly lines: string[];
  private readonly isLastLineWhole: boolean;
  private index = 0;
  /** Where the parts of a mail begin and end (`git format-patch --attach`). */
  private readonly boundaries: ReadonlySet<string>;

  /** @throws LockstepError with reason `diff-syntax` for a text that is no plain diff any more */
  constructor(text: string) {
    this.lines = text.split('\n');
    this.isLastLineWhole = this.lines.at(-1) === '';
    if (this.isLastLineWhole) this.lines.pop();
    this.refuseUnreadable(text);
    const named = Array.from(text.matchAll(/\bboundary="([^"\r\n]{6,70})"/g), ([, boundary = '']) => `--${boundary}`);
    this.boundaries = new Set(named.flatMap((start) => [start, `${start}--`]));
    // Headers never end so but where a mailer ended all lines so; those of a CR LF source's own lines do not.
    if (this.lines.find((line) => fileHeader.test(line))?.endsWith('\r') !== true) return;
    this.lines = this.lines.map((line) => line.replace(/\r$/, ''));
  }

  /** 1-based number of the line that `peek()` shows. */
  get lineNumber(): number {
    return this.index + 1;
  }

  /** Whether the line that `next()` gave last has no newline: more of it may have been cut off. */
  get isCutShort(): boolean {
    return !this.isLastLineWhole && this.index === this.lines.length;
  }

  peek(ahead = 0): string | undefined {
    return this.lines[this.index + ahead];
  }

  isPartBoundary(line: string): boolean {
    return this.boundaries.has(line);
  }

  next(): string {
    const line = this.lines[this.index] ?? '';
    this.index += 1;
    return line;
  }

  error(reason: string, offset = 0): LockstepError {
    return sourcePatchError({ kind: 'diff-syntax', line: this.lineNumber + offset, reason });
  }

  private refuseUnreadable(text: string): void {
    if (/^(?:\xff\xfe|\xfe\xff)/.test(text)) {
      throw this.error("it is UTF-16, as PowerShell's > writes it: make it with git diff --output=FILE");
    }
    const encoded = this.lines.find((line) => /^content-transfer-encoding: *(?:quoted-printable|base64)\b/i.test(line));
    if (encoded !== undefined) {
      const how = encoded.slice(encoded.indexOf(':') + 1).trim();
      throw this.error(`it is a mail in ${how}: take what git am makes of it (git format-patch -1)`);
    }
    // eslint-disable-next-line no-control-regex -- It is what is looked for.
    const coloured = this.lines.findIndex((line) => /^\x1b\[[\d;]*m/.test(line));
    if (coloured < 0) return;
    throw this.error('it has colours (ESC [ ... m): make it with --no-color', coloured);
  }
}
