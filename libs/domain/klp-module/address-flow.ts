// SPDX-License-Identifier: GPL-2.0-only
import { isPcRelative } from '@lockstep/domain/elf';
import { decodeInstruction, type Instruction, type Piece } from '@lockstep/domain/object-diff';

/** Where an address goes that an instruction of a piece has, and does not only call, compare or read through. */
export type AddressFlow =
  /** Stored in the function's own frame, at this distance from the stack pointer. */
  | { readonly kind: 'on-stack'; readonly displacement: number }
  | { readonly kind: 'stored'; readonly start: number; readonly end: number }
  /** In a register when somebody is called by name: `call` is the offset of the call's operand. */
  | { readonly kind: 'given'; readonly call: number }
  /** As `given`, to somebody who is called through a pointer; told only where the way is straight. */
  | { readonly kind: 'given-through-pointer'; readonly start: number; readonly end: number }
  /** What the function returns; `jump` is the operand's offset where it leaves by a jump, which may be to another function. */
  | { readonly kind: 'returned'; readonly jump: number | null }
  /** In a register where the way parts, or when somebody is called through a pointer. */
  | { readonly kind: 'unknown' };

const [rax, rcx, rdx, rsp, rsi, rdi] = [0, 1, 2, 4, 6, 7];
const argumentRegisters: ReadonlySet<number> = new Set([rdi, rsi, rdx, rcx, 8, 9]);
/** A call changes these. */
const lostByCalls: ReadonlySet<number> = new Set([rax, rcx, rdx, rsi, rdi, 8, 9, 10, 11]);

/** As the index of a SIB byte. */
const noIndex = 4;
const [moveImmediate, lea, load, store] = [0xc7, 0x8d, 0x8b, 0x89];
const [call, jump, leave] = [0xe8, 0xe9, 0xc9];
/** With the register of ModRM they write what it holds: mov, xchg, cmpxchg, xadd. */
const stores: ReadonlySet<number> = new Set([store, 0x87, 0x0fb1, 0x0fc1]);
/** What they write: movs copies what %rsi points at, stos writes %rax. */
const stringWrites: ReadonlyMap<number, number> = new Map([
  [0xa4, rsi],
  [0xa5, rsi],
  [0xaa, rax],
  [0xab, rax],
]);
const compares: ReadonlySet<number> = new Set([0x38, 0x39, 0x3a, 0x3b, 0x84, 0x85, 0x3c, 0x3d]);
const isConditionalMove = (opcode: number): boolean => opcode >= 0x0f40 && opcode <= 0x0f4f;

/**
 * What becomes of the address that the relocation at `offset` of a piece of code stands for.
 * @param isStraight the way does not part: only what comes next is asked for, and not all that may
 */
export function flowsOf(
  piece: Piece,
  { offset, type }: { offset: number; type: number },
  isStraight = false,
): AddressFlow[] {
  const { bytes } = piece;
  const instruction = instructionAt(bytes, offset);
  if (instruction === null) return [{ kind: 'stored', start: offset, end: bytes.length }];
  const { opcode, rex, start, end } = instruction;
  if (instruction.relativeOffset === offset) return [];
  const modRm = modRmOf(bytes, instruction);
  if (opcode === lea && modRm !== null) return followed(bytes, end, modRm.reg, isStraight);
  // A RIP-relative operand that is not LEA's reads or writes there.
  if (isPcRelative(type) || instruction.immediateOffset !== offset) return [];
  if (isMoveToRegister(opcode)) return followed(bytes, end, lowRegister(opcode, rex), isStraight);
  if (opcode === moveImmediate && modRm !== null) {
    if (modRm.isRegister) return followed(bytes, end, modRm.rm, isStraight);
    return [storedAt(modRm, start, end)];
  }
  const isCompare = compares.has(opcode) || ((opcode === 0x81 || opcode === 0x83) && modRm?.group === 7);
  return isCompare ? [] : [{ kind: 'unknown' }];
}

/** Where what is read from the variable that the relocation at `offset` of a piece of code stands for goes from there. */
export function flowsFromContent({ bytes }: Piece, { offset }: { offset: number }): AddressFlow[] {
  const instruction = instructionAt(bytes, offset);
  if (instruction === null || instruction.relativeOffset === offset) return [];
  const { opcode, rex, end } = instruction;
  const modRm = modRmOf(bytes, instruction);
  if (instruction.immediateOffset === offset) {
    return isMoveToRegister(opcode) ? readThrough(bytes, end, lowRegister(opcode, rex)) : [];
  }
  if (modRm === null || modRm.isRegister) return [];
  if (opcode === lea) return readThrough(bytes, end, modRm.reg);
  return isPointerLoad(instruction) ? followed(bytes, end, modRm.reg, true) : [];
}

/** All of an address is eight bytes. */
const isPointerLoad = ({ opcode, rex }: Instruction): boolean => opcode === load && (rex & 8) !== 0;

/** Follows what is read by way of an address in a register. */
function readThrough(bytes: Uint8Array, from: number, register: number): AddressFlow[] {
  const holders = new Set([register]);
  const flows: AddressFlow[] = [];
  for (const instruction of instructionsFrom(bytes, from)) {
    const { opcode, rex, end } = instruction;
    const modRm = modRmOf(bytes, instruction);
    if (opcode === call || opcode === jump) for (const one of lostByCalls) holders.delete(one);
    else if (isMoveToRegister(opcode)) holders.delete(lowRegister(opcode, rex));
    else if (modRm !== null && !compares.has(opcode)) {
      const isRead = isPointerLoad(instruction) && modRm.base !== null && holders.has(modRm.base);
      if (isRead) flows.push(...followed(bytes, end, modRm.reg, true));
      step(holders, instruction, modRm);
    }
    if (holders.size === 0) break;
  }
  return flows;
}

/** Where what lies in the frame at `displacement`, or a struct around it, goes from there. */
export function flowsFromFrame({ bytes }: Piece, displacement: number): AddressFlow[] {
  return [...instructionsFrom(bytes, 0)].flatMap((instruction) => {
    const modRm = modRmOf(bytes, instruction);
    if (modRm === null) return [];
    const { opcode, end } = instruction;
    const from = modRm.stackDisplacement;
    const isAddress = opcode === lea && from !== null && from <= displacement;
    const isReload =
      opcode === load && from !== null && (modRm.isIndexed ? from <= displacement : from === displacement);
    if (isAddress || isReload) return followed(bytes, end, modRm.reg, false);
    const isFrame =
      modRm.isRegister && ((opcode === store && modRm.reg === rsp) || (opcode === load && modRm.rm === rsp));
    return isFrame ? followed(bytes, end, opcode === store ? modRm.rm : modRm.reg, false) : [];
  });
}

const isMoveToRegister = (opcode: number): boolean => opcode >= 0xb8 && opcode <= 0xbf;
const lowRegister = (opcode: number, rex: number): number => (opcode & 7) | ((rex & 1) << 3);

function storedAt({ stackDisplacement }: ModRm, start: number, end: number): AddressFlow {
  return stackDisplacement === null
    ? { kind: 'stored', start, end }
    : { kind: 'on-stack', displacement: stackDisplacement };
}

/** Follows an address in a register; never empty, but where the way is straight. */
function followed(bytes: Uint8Array, from: number, register: number, isStraight: boolean): AddressFlow[] {
  const holders = new Set([register]);
  const flows: AddressFlow[] = [];
  for (const instruction of instructionsFrom(bytes, from)) {
    const { opcode, rex, relativeBytes, relativeOffset } = instruction;
    const modRm = modRmOf(bytes, instruction);
    if (isStraight && relativeBytes > 0 && holders.has(rax))
      flows.push(...returnsAt(bytes, targetOf(bytes, instruction)));
    const isPointerCall = opcode === 0xff && modRm !== null && modRm.group >= 2 && modRm.group <= 5;
    if (opcode === call || opcode === jump) {
      const isGiven = [...holders].some((one) => argumentRegisters.has(one));
      if (isGiven) flows.push({ kind: 'given', call: relativeOffset });
      else if (opcode === jump && !isStraight) flows.push({ kind: 'unknown' });
      if (opcode === jump && isStraight && holders.has(rax)) flows.push({ kind: 'returned', jump: relativeOffset });
      for (const one of lostByCalls) holders.delete(one);
      if (opcode === jump && !isStraight) break;
    } else if (relativeBytes > 0 || isPointerCall || opcode === 0xc3) {
      if (!isStraight) {
        flows.push({ kind: 'unknown' });
        break;
      }
      if (opcode === 0xc3) {
        if (holders.has(rax)) flows.push({ kind: 'returned', jump: null });
        break;
      }
      if (isPointerCall) flows.push(...givenThroughPointer(holders, instruction, modRm));
    } else if (stringWrites.has(opcode)) {
      if (holders.has(stringWrites.get(opcode) ?? -1))
        flows.push({ kind: 'stored', start: instruction.start, end: instruction.end });
    } else if (opcode >= 0x50 && opcode <= 0x57) {
      if (holders.has(lowRegister(opcode, rex))) flows.push({ kind: 'unknown' });
    } else if (isMoveToRegister(opcode) || (opcode >= 0x58 && opcode <= 0x5f)) holders.delete(lowRegister(opcode, rex));
    else if (modRm !== null && !compares.has(opcode)) flows.push(...step(holders, instruction, modRm));
    if (holders.size === 0) break;
  }
  return flows.length === 0 && !isStraight ? [{ kind: 'unknown' }] : flows;
}

/** What a call through a pointer is given of an address that some registers hold; it may change which do. */
function givenThroughPointer(holders: Set<number>, { start, end }: Instruction, modRm: ModRm): AddressFlow[] {
  const isCall = modRm.group <= 3;
  // A switch jumps through a table.
  if (!isCall && modRm.isIndexed) return [];
  const isGiven = [...holders].some((one) => argumentRegisters.has(one));
  if (isCall) for (const one of lostByCalls) holders.delete(one);
  return isGiven ? [{ kind: 'given-through-pointer', start, end }] : [];
}

/** Where a branch inside the code goes; one to elsewhere has its relocation instead, and so seems to go on. */
function targetOf(bytes: Uint8Array, { relativeOffset, relativeBytes, end }: Instruction): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return end + (relativeBytes === 1 ? view.getInt8(relativeOffset) : view.getInt32(relativeOffset, true));
}

/** Whether all that comes at a place is a function's end: then %rax is what it returns. */
function returnsAt(bytes: Uint8Array, place: number): AddressFlow[] {
  for (const instruction of instructionsFrom(bytes, Math.max(0, place))) {
    const { opcode, relativeOffset } = instruction;
    if (opcode === 0xc3) return [{ kind: 'returned', jump: null }];
    if (opcode === jump) return [{ kind: 'returned', jump: relativeOffset }];
    const modRm = modRmOf(bytes, instruction);
    const isPop = opcode >= 0x58 && opcode <= 0x5f;
    const isFrame = modRm !== null && (opcode === lea ? modRm.reg : modRm.isRegister ? modRm.rm : -1) === rsp;
    if (!isPop && !isFrame && opcode !== leave) return [];
  }
  return [];
}

/** What one instruction does with an address that some registers hold; it may change which do. */
function step(holders: Set<number>, { opcode, start, end }: Instruction, modRm: ModRm): AddressFlow[] {
  const { isRegister, reg, rm, base } = modRm;
  if (stores.has(opcode)) {
    if (!isRegister) return holders.has(reg) ? [storedAt(modRm, start, end)] : [];
    if (holders.has(reg)) holders.add(rm);
    else holders.delete(rm);
    return [];
  }
  const hasSource = isRegister ? holders.has(rm) : opcode === lea && base !== null && holders.has(base);
  if (opcode === load || opcode === lea) {
    if (hasSource) holders.add(reg);
    else holders.delete(reg);
  } else if (isConditionalMove(opcode)) {
    if (hasSource) holders.add(reg);
  } else if (opcode === moveImmediate && isRegister) holders.delete(rm);
  // xor of a register with itself makes it 0.
  else if (opcode === 0x31 && isRegister && reg === rm) holders.delete(rm);
  return [];
}

interface ModRm {
  readonly isRegister: boolean;
  /** The register operand; in groups it selects the operation (`group`). */
  readonly reg: number;
  readonly group: number;
  /** The other register, where `isRegister`. */
  readonly rm: number;
  readonly base: number | null;
  /** Where the operand is in the frame: its distance from the stack pointer; null elsewhere. */
  readonly stackDisplacement: number | null;
  /** A register is added to it. */
  readonly isIndexed: boolean;
}

function modRmOf(bytes: Uint8Array, { modRmOffset, rex }: Instruction): ModRm | null {
  if (modRmOffset < 0) return null;
  const byte = bytes[modRmOffset] ?? 0;
  const mode = byte >> 6;
  const [group, low] = [(byte >> 3) & 7, byte & 7];
  const reg = group | ((rex & 4) << 1);
  if (mode === 3) {
    return {
      isRegister: true,
      reg,
      group,
      rm: low | ((rex & 1) << 3),
      base: null,
      stackDisplacement: null,
      isIndexed: false,
    };
  }
  const sib = low === 4 ? (bytes[modRmOffset + 1] ?? 0) : null;
  const hasBase = !(mode === 0 && (sib === null ? low === 5 : (sib & 7) === 5));
  const base = hasBase ? (sib === null ? low : sib & 7) | ((rex & 1) << 3) : null;
  const at = modRmOffset + (sib === null ? 1 : 2);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const displacement = mode === 0 ? 0 : mode === 1 ? view.getInt8(at) : view.getInt32(at, true);
  const isIndexed = sib !== null && (((sib >> 3) & 7) | ((rex & 2) << 2)) !== noIndex;
  return {
    isRegister: false,
    reg,
    group,
    rm: low,
    base,
    stackDisplacement: base === rsp ? displacement : null,
    isIndexed,
  };
}

function* instructionsFrom(bytes: Uint8Array, from: number): Generator<Instruction> {
  for (let at = from; at < bytes.length;) {
    const instruction = decodeInstruction(bytes, at, bytes.length);
    if (instruction === null) return;
    at = instruction.end;
    yield instruction;
  }
}

function instructionAt(bytes: Uint8Array, offset: number): Instruction | null {
  for (const instruction of instructionsFrom(bytes, 0)) if (instruction.end > offset) return instruction;
  return null;
}
