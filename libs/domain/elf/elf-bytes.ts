// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ErrorFields } from '@lockstep/domain/livepatch-model';

/** The error of every malformed ELF file: `what` names the field, `file` the file. */
export function malformed(file: string, what: string, problem: string, fields: ErrorFields = {}): LockstepError {
  return new LockstepError(
    'invalid-input',
    'malformed-elf',
    `${file} is not a usable ELF file: ${what} ${problem}. Build it again, or give the whole file.`,
    { file, what, ...fields },
  );
}

/** Little-endian reads that fail with the field's name instead of running off the end. */
export class ElfBytes {
  private readonly view: DataView;
  private aligned: Uint32Array | undefined;

  readonly bytes: Uint8Array;

  constructor(
    bytes: Uint8Array,
    readonly file: string,
  ) {
    // A plain array: the slices of Node's Buffer are views, and whoever changes one would change the file.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The file as 32-bit words (whole ones), for tables that are read all through. */
  get words(): Uint32Array {
    if (this.aligned === undefined) {
      // A view needs an aligned start; a copy has one.
      const { buffer, byteOffset, length } = this.bytes.byteOffset % 4 === 0 ? this.bytes : new Uint8Array(this.bytes);
      this.aligned = new Uint32Array(buffer, byteOffset, Math.floor(length / 4));
    }
    return this.aligned;
  }

  /** @throws LockstepError unless `[offset, offset + sizeBytes)` lies in the file. */
  checkRange(offset: number, sizeBytes: number, what: string): void {
    if (offset + sizeBytes > this.bytes.length) {
      throw malformed(this.file, what, `reaches past the end of the file`, {
        offset,
        sizeBytes,
        fileBytes: this.bytes.length,
      });
    }
  }

  u16(offset: number): number {
    return this.view.getUint16(offset, true);
  }

  u32(offset: number): number {
    return this.view.getUint32(offset, true);
  }

  /** The upper half of a 64-bit field is at `offset + 4`. */
  u64(offset: number, what: string): number {
    const value = this.u32(offset) + this.u32(offset + 4) * 0x1_0000_0000;
    if (value > Number.MAX_SAFE_INTEGER) throw malformed(this.file, what, 'is larger than any file', { offset });
    return value;
  }

  /** A signed 64-bit field, exact below 2^53; NaN beyond, where no relocation addend or offset can be meant. */
  i64(offset: number): number {
    const value = this.view.getInt32(offset + 4, true) * 0x1_0000_0000 + this.u32(offset);
    return Number.isSafeInteger(value) ? value : NaN;
  }
}

const decoder = new TextDecoder('utf-8');

/** The NUL-terminated string at `start`; the caller has checked that a NUL follows before `end`. */
export function stringAt(bytes: Uint8Array, start: number, end: number): string {
  const nul = bytes.indexOf(0, start);
  const stop = nul === -1 || nul > end ? end : nul;
  // Names are short ASCII nearly always: quicker than the decoder's set-up.
  let text = '';
  for (let at = start; at < stop; at++) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x80) return decoder.decode(bytes.subarray(start, stop));
    text += String.fromCharCode(byte);
  }
  return text;
}
