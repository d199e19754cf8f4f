// SPDX-License-Identifier: GPL-2.0-only
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

/** A field of an encoded message that is a message itself. */
export interface WireField {
  readonly tag: Uint8Array;
  /** The bytes of that message. */
  readonly content: Uint8Array;
}

/** Of a message that has no other. */
export function onlyField(message: Uint8Array): WireField {
  const reader = new BinaryReader(message);
  reader.uint32();
  const tag = message.subarray(0, reader.pos);
  return { tag, content: reader.bytes() };
}

/** Such a field, of bytes that were encoded one after the other. */
export function fieldBytes(tag: Uint8Array, contents: readonly Uint8Array[]): Buffer {
  const bytes = contents.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([tag, new BinaryWriter().uint32(bytes).finish(), ...contents]);
}
