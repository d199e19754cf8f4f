// SPDX-License-Identifier: GPL-2.0-only
import { parseElf, sectionFlag, symbolType, type ElfFile } from '@lockstep/domain/elf';
import { decodeInstruction, type Instruction } from '@lockstep/domain/object-diff';
import { differingFromAll, readBtf, type LayoutChange } from '@lockstep/domain/type-layouts';

/** How a kernel shows that it was not built from a tree. */
export type KernelDifference =
  | { readonly kind: 'layout'; readonly change: LayoutChange }
  | { readonly kind: 'missing-function'; readonly name: string }
  | { readonly kind: 'function'; readonly name: string; readonly offset: number };

/**
 * Compares the kernel that runs with the one that a tree was built to: types where both record them (BTF), and the code
 * of each function but for addresses, which may have moved. Linear. null: nothing tells them apart.
 */
export function compareKernels(running: Uint8Array, built: Uint8Array): KernelDifference | null {
  const [theirs, ours] = [readBtf(running, 'the running vmlinux'), readBtf(built, 'vmlinux')];
  const [change] = theirs === null || ours === null ? [] : differingFromAll(theirs, ours);
  if (change !== undefined) return { kind: 'layout', change };
  const [before, after] = [
    functionsOf(parseElf(running, 'the running vmlinux')),
    functionsOf(parseElf(built, 'vmlinux')),
  ];
  for (const [name, code] of after) {
    const others = before.get(name);
    if (others === undefined) return { kind: 'missing-function', name };
    for (const [index, ours] of code.entries()) {
      const other = others[index];
      const offset = other === undefined ? 0 : differenceAt(other, ours);
      if (offset >= 0) return { kind: 'function', name, offset };
    }
  }
  return null;
}

/** The code of all functions by name, namesakes in order. What is written over at boot is the same in both files. */
function functionsOf(elf: ElfFile): Map<string, Uint8Array[]> {
  const { symbols } = elf;
  const found = new Map<string, Uint8Array[]>();
  for (let symbol = 1; symbol < symbols.count; symbol++) {
    if (symbols.type(symbol) !== symbolType.function || !symbols.isDefined(symbol)) continue;
    const index = symbols.section(symbol);
    const section = elf.sectionTable.section(index);
    if (section === undefined || (section.flags & sectionFlag.exec) === 0) continue;
    const start = symbols.addressLow(symbol) - elf.sectionTable.addressLow(index);
    const code = elf.bytesOf(section).subarray(start, start + symbols.sizeBytes(symbol));
    const list = found.get(symbols.name(symbol));
    if (list === undefined) found.set(symbols.name(symbol), [code]);
    else list.push(code);
  }
  return found;
}

/** Where two versions of a function first differ in more than addresses; -1 if they do not. */
function differenceAt(before: Uint8Array, after: Uint8Array): number {
  if (before.length !== after.length) return 0;
  for (let at = 0; at < before.length;) {
    const [old, now] = [before, after].map((bytes) => decodeInstruction(bytes, at, bytes.length));
    // Data among code: byte by byte.
    if (old == null || now == null || old.end !== now.end || old.opcode !== now.opcode) {
      if (before[at] !== after[at]) return at;
      at += 1;
      continue;
    }
    if (!sameButAddresses(before, after, old)) return at;
    at = old.end;
  }
  return -1;
}

function sameButAddresses(before: Uint8Array, after: Uint8Array, { start, end, ...operands }: Instruction): boolean {
  for (let at = start; at < end; at++) {
    if (before[at] === after[at]) continue;
    const from = addressFields({ start, end, ...operands }).find((field) => at >= field && at < field + 4);
    if (from === undefined || !isAddressIn(before, after, from, operands.relativeOffset)) return false;
    at = from + 3;
  }
  return true;
}

/** Where an instruction may have 32 bits of an address: a branch's operand, a displacement, an immediate. */
function addressFields(instruction: Instruction): number[] {
  const { end, immediateOffset, immediateBytes, relativeOffset, relativeBytes } = instruction;
  const displacement = (immediateOffset >= 0 ? immediateOffset : end) - 4;
  return [
    ...(relativeBytes === 4 ? [relativeOffset] : []),
    ...(immediateBytes === 4 ? [immediateOffset] : []),
    ...(immediateBytes === 8 ? [immediateOffset, immediateOffset + 4] : []),
    ...(relativeBytes === 0 && displacement > instruction.start ? [displacement] : []),
  ];
}

/** Kernel addresses are the upper 2 GiB, and so negative numbers of 32 bits; RIP-relative places lie around the code. */
function isAddressIn(before: Uint8Array, after: Uint8Array, at: number, relativeOffset: number): boolean {
  if (at === relativeOffset) return true;
  const [old, now] = [before, after].map((bytes) => new DataView(bytes.buffer, bytes.byteOffset).getInt32(at, true));
  const isRipRelative = ((before[at - 1] ?? 0) & 0xc7) === 0x05;
  return isRipRelative || ((old ?? 0) < -0x1000_0000 && (now ?? 0) < -0x1000_0000);
}
