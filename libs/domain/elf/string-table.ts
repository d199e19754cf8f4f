// SPDX-License-Identifier: GPL-2.0-only
import { stringAt } from './elf-bytes';

const decoder = new TextDecoder('utf-8');

/** The NUL-terminated strings of one SHT_STRTAB. */
export class StringTable {
  /** All of it as text, made when first needed; null where characters and bytes do not match one to one. */
  private decoded: string | null | undefined = undefined;

  /** `bytes` is the table itself. */
  constructor(readonly bytes: Uint8Array) {}

  /** The string at `offset`, which ends with the table at the latest. */
  text(offset: number): string {
    if (this.decoded === undefined) {
      const text = decoder.decode(this.bytes);
      this.decoded = text.length === this.bytes.length ? text : null;
    }
    if (this.decoded === null) return stringAt(this.bytes, offset, this.bytes.length);
    const end = this.decoded.indexOf('\0', offset);
    return this.decoded.slice(offset, end === -1 ? undefined : end);
  }

  /** Whether two strings are the same, without making either. */
  equals(offset: number, other: StringTable, otherOffset: number): boolean {
    const a = this.bytes;
    const b = other.bytes;
    for (let at = 0; ; at++) {
      const byte = a[offset + at] ?? 0;
      if (byte !== (b[otherOffset + at] ?? 0)) return false;
      if (byte === 0) return true;
    }
  }

  /** Whether the string begins with ASCII `prefix`. */
  startsWith(offset: number, prefix: string): boolean {
    for (let at = 0; at < prefix.length; at++) {
      if (this.bytes[offset + at] !== prefix.charCodeAt(at)) return false;
    }
    return true;
  }
}
