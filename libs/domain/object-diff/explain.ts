// SPDX-License-Identifier: GPL-2.0-only
import { isPcRelative } from '@lockstep/domain/elf';
import type { Difference, ReferenceName } from './change-reason';
import { constantAt, isString } from './constants';
import type { Reference, ReferenceReader } from './references';
import { decodeInstruction, type Instruction } from './x86-instruction';

/** A reference of one build; undefined: that build has none at this place. */
export interface SideReference {
  readonly reader: ReferenceReader;
  readonly reference: Reference | undefined;
}

/** Names what differs between two references of the same rank, of which at least one exists. */
export function referenceDifference(old: SideReference, now: SideReference): Difference & { offset: number } {
  const offset = Math.min(old.reference?.offset ?? Infinity, now.reference?.offset ?? Infinity);
  const at = ({ reader, reference }: SideReference) =>
    reference?.offset === offset ? nameReference(reader, reference) : null;
  const [before, after] = [at(old), at(now)];
  const isSame = before !== null && after !== null && before.name === after.name && before.offset === after.offset;
  if (isSame && before.kind !== 'unclear') return { kind: 'callee', offset, name: before.name };
  return { kind: 'reference', offset, before, after };
}

const shownBytes = 120;
const toHex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

function nameReference(reader: ReferenceReader, { type, target }: Reference): ReferenceName {
  switch (target.kind) {
    case 'undefined':
      return { kind: 'symbol', name: target.name, offset: codeOffset(type, target.place) };
    case 'section':
      return { kind: 'section', name: target.section.name, offset: target.place };
    case 'unclear':
      return { kind: 'unclear', name: target.what, offset: 0 };
    case 'chunk': {
      const { chunk, place, bias } = target;
      if (chunk.kind !== 'constants') {
        const offset = bias === 0 ? codeOffset(type, place) : place - bias;
        return { kind: chunk.role === 'code' ? 'function' : 'variable', name: chunk.name, offset };
      }
      const bytes = constantAt(reader, target).subarray(0, shownBytes);
      return isString(target)
        ? { kind: 'string', name: new TextDecoder().decode(bytes).replace(/\0+$/, ''), offset: 0 }
        : { kind: 'constant', name: toHex(bytes), offset: 0 };
    }
  }
}

/** x86 counts from the instruction's end, which nearly always lies 4 bytes behind the operand. */
function codeOffset(type: number, place: number): number {
  return isPcRelative(type) ? place + 4 : place;
}

export interface BytePair {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** Tells the instructions (or the bytes of data) at `at`, where the two builds differ. */
export function byteDifference({ before, after }: BytePair, at: number, isCode: boolean): Difference {
  const old = isCode ? instructionOver(before, at) : null;
  const now = old === null ? null : decodeInstruction(after, old.start, after.length);
  if (old === null || now === null) {
    const byteAt = (bytes: Uint8Array) => toHex(bytes.subarray(at, at + 1));
    return { kind: 'bytes', offset: at, before: byteAt(before), after: byteAt(after) };
  }
  const offset = old.start;
  const [oldNumber, newNumber] = [immediateOf(before, old), immediateOf(after, now)];
  const sameButNumber = oldNumber !== null && newNumber !== null && at >= old.immediateOffset && old.end === now.end;
  if (sameButNumber) return { kind: 'number', offset, before: oldNumber, after: newNumber };
  const bytesOf = (bytes: Uint8Array, { start, end }: Instruction) => toHex(bytes.subarray(start, end));
  return { kind: 'bytes', offset, before: bytesOf(before, old), after: bytesOf(after, now) };
}

/** The instruction that the byte at `at` is part of; null where the code cannot be decoded up to there. */
function instructionOver(bytes: Uint8Array, at: number): Instruction | null {
  for (let start = 0; start < bytes.length;) {
    const instruction = decodeInstruction(bytes, start, bytes.length);
    if (instruction === null || instruction.end > at) return instruction;
    start = instruction.end;
  }
  return null;
}

function immediateOf(bytes: Uint8Array, { immediateOffset, immediateBytes }: Instruction): number | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (immediateBytes) {
    case 1:
      return view.getInt8(immediateOffset);
    case 2:
      return view.getInt16(immediateOffset, true);
    case 4:
      return view.getInt32(immediateOffset, true);
    default:
      return null;
  }
}
