// SPDX-License-Identifier: GPL-2.0-only

/** One value of DER (ITU-T X.690). */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  /** With its tag and length. */
  readonly whole: Uint8Array;
}

export function encodeDer(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Uint8Array.of(tag), lengthOf(content.length), content]);
}

/** `1.2.840.113549` */
export function encodeOid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return encodeDer(0x06, Uint8Array.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** The values that follow each other in `bytes`; stops at one that is cut. */
export function readDer(bytes: Uint8Array): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const short = bytes[at + 1] ?? 0;
    const lengthBytes = short < 0x80 ? 0 : short - 0x80;
    const contentAt = at + 2 + lengthBytes;
    const length = short < 0x80 ? short : bytes.subarray(at + 2, contentAt).reduce((sum, byte) => sum * 256 + byte, 0);
    const end = contentAt + length;
    if (end > bytes.length) break;
    values.push({ tag: bytes[at] ?? 0, content: bytes.subarray(contentAt, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return values;
}

function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 + bytes.length, ...bytes);
}

/** Seven bits a byte, all but the last marked. */
function base128(value: number): number[] {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 + (rest % 128));
  return bytes;
}
