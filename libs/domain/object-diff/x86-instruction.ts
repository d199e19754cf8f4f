// SPDX-License-Identifier: GPL-2.0-only
// Instruction boundaries of 64-bit x86 code: lengths, and where immediates and relative operands lie.
// Source: Intel SDM volume 2, appendix A (opcode maps) and chapter 2 (instruction format).

/** One instruction. Offsets are from the start of the bytes given; -1 where it has no such part. */
export interface Instruction {
  readonly start: number;
  readonly end: number;
  /** Opcode: `0x00-0xff`, `0x0f00-0x0fff`, `0x0f3800…`, `0x0f3a00…`. */
  readonly opcode: number;
  /** The REX prefix; 0 without. */
  readonly rex: number;
  readonly modRmOffset: number;
  readonly immediateOffset: number;
  readonly immediateBytes: number;
  /** A branch's relative operand. */
  readonly relativeOffset: number;
  readonly relativeBytes: number;
}

/*
 * One letter an opcode: - nothing, M ModRM, b w z v immediates (8, 16, 32 or 16, up to 64 bits), B Z = M with b or z,
 * r R relative 8 or 32 bits, o absolute address, e enter, F group 3 (an immediate only for TEST), p prefix,
 * x not in 64-bit mode, 5 4 E the VEX and EVEX prefixes, 0 two-byte escape.
 */
const oneByte =
  'MMMMbzxxMMMMbzx0' +
  'MMMMbzxxMMMMbzxx' +
  'MMMMbzpxMMMMbzpx' +
  'MMMMbzpxMMMMbzpx' +
  'pppppppppppppppp' +
  '----------------' +
  'xxEMppppzZbB----' +
  'rrrrrrrrrrrrrrrr' +
  'BZxBMMMMMMMMMMMM' +
  '----------x-----' +
  'oooo----bz------' +
  'bbbbbbbbvvvvvvvv' +
  'BBw-45BZe-w--bx-' +
  'MMMMxxx-MMMMMMMM' +
  'rrrrbbbbRRxr----' +
  'p-pp--FF------MM';

/** As above; 8 and A are the three-byte escapes 0f 38 and 0f 3a. */
const twoByte =
  'MMMMx-----x-xM-B' +
  'MMMMMMMMMMMMMMMM' +
  'MMMMxxxxMMMMMMMM' +
  '------x-8xAxxxxx' +
  'MMMMMMMMMMMMMMMM' +
  'MMMMMMMMMMMMMMMM' +
  'MMMMMMMMMMMMMMMM' +
  'BBBBMMM-MMMMMMMM' +
  'RRRRRRRRRRRRRRRR' +
  'MMMMMMMMMMMMMMMM' +
  '---MBMMM---MBMMM' +
  'MMMMMMMMMMBMMMMM' +
  'MMBMBBBM--------' +
  'MMMMMMMMMMMMMMMM' +
  'MMMMMMMMMMMMMMMM' +
  'MMMMMMMMMMMMMMMM';

/** Prefix state and reading position while one instruction is decoded. */
interface Reader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
  operand16: boolean;
  address32: boolean;
  wide: boolean;
  rex: number;
}

const u8 = (reader: Reader): number => (reader.at < reader.end ? (reader.bytes[reader.at++] ?? 0) : failEnd(reader));

/** Reads past the end yield 0 and a position beyond it, which the caller checks once. */
function failEnd(reader: Reader): number {
  reader.at = reader.end + 1;
  return 0;
}

/**
 * Decodes the instruction at `start` of `bytes`, of which `[start, end)` is code.
 * @returns null where the bytes are no instruction that is known here, or cut short
 */
export function decodeInstruction(bytes: Uint8Array, start: number, end: number): Instruction | null {
  const reader: Reader = { bytes, end, at: start, operand16: false, address32: false, wide: false, rex: 0 };
  let opcode = skipPrefixes(reader);
  let form = oneByte[opcode] ?? 'x';
  if (form === '0') {
    const second = u8(reader);
    opcode = 0x0f00 | second;
    form = twoByte[second] ?? 'x';
    if (form === '8' || form === 'A') {
      opcode = (opcode << 8) | u8(reader);
      form = form === '8' ? 'M' : 'B';
    }
  } else if (form === '4' || form === '5' || form === 'E') {
    const map = vectorMap(reader, form);
    const last = u8(reader);
    opcode = map === 1 ? 0x0f00 | last : ((map === 2 ? 0x0f38 : 0x0f3a) << 8) | last;
    form = map === 1 ? (twoByte[last] ?? 'x') : map === 2 ? 'M' : map === 3 ? 'B' : 'x';
  }
  return finish(reader, start, opcode, form);
}

function skipPrefixes(reader: Reader): number {
  for (;;) {
    const byte = u8(reader);
    if (reader.at > reader.end || oneByte[byte] !== 'p') return byte;
    // REX counts only directly before the opcode; a later prefix cancels it.
    reader.wide = (byte & 0xf8) === 0x48;
    reader.rex = (byte & 0xf0) === 0x40 ? byte : 0;
    if (byte === 0x66) reader.operand16 = true;
    if (byte === 0x67) reader.address32 = true;
  }
}

/** Reads a VEX (c4, c5) or EVEX (62) prefix and returns the opcode map it selects. */
function vectorMap(reader: Reader, form: '4' | '5' | 'E'): number {
  const first = u8(reader);
  if (form === '5') return 1;
  u8(reader);
  if (form === 'E') u8(reader);
  return first & (form === 'E' ? 0x07 : 0x1f);
}

function finish(reader: Reader, start: number, opcode: number, form: string): Instruction | null {
  if (form === 'x') return null;
  let immediateBytes = 0;
  let relativeBytes = 0;
  let modRmOffset = -1;
  const word = reader.operand16 && !reader.wide ? 2 : 4;
  if (form === 'M' || form === 'B' || form === 'Z' || form === 'F') {
    modRmOffset = reader.at;
    const group = skipModRm(reader);
    if (form === 'B') immediateBytes = 1;
    else if (form === 'Z') immediateBytes = word;
    else if (form === 'F' && group < 2) immediateBytes = opcode === 0xf6 ? 1 : word;
  } else if (form === 'b') immediateBytes = 1;
  else if (form === 'w') immediateBytes = 2;
  else if (form === 'e') immediateBytes = 3;
  else if (form === 'z') immediateBytes = word;
  else if (form === 'v') immediateBytes = reader.wide ? 8 : word;
  else if (form === 'o') immediateBytes = reader.address32 ? 4 : 8;
  else if (form === 'r') relativeBytes = 1;
  else if (form === 'R') relativeBytes = 4;
  const operandsAt = reader.at;
  const end = operandsAt + immediateBytes + relativeBytes;
  if (end > reader.end) return null;
  return {
    start,
    end,
    opcode,
    rex: reader.rex,
    modRmOffset,
    immediateOffset: immediateBytes > 0 ? operandsAt : -1,
    immediateBytes,
    relativeOffset: relativeBytes > 0 ? operandsAt : -1,
    relativeBytes,
  };
}

/** Skips ModRM, SIB and displacement; returns ModRM.reg, which selects the operation in groups. */
function skipModRm(reader: Reader): number {
  const modRm = u8(reader);
  const mod = modRm >> 6;
  const rm = modRm & 7;
  if (mod !== 3) {
    const base = rm === 4 ? u8(reader) & 7 : rm;
    if (mod === 1) reader.at += 1;
    else if (mod === 2 || (mod === 0 && base === 5)) reader.at += 4;
  }
  return (modRm >> 3) & 7;
}

/** Whether control never goes on to the next instruction: jmp, ret, ud2. */
export function endsFlow({ opcode }: Instruction): boolean {
  return opcode === 0xe9 || opcode === 0xeb || opcode === 0xc3 || opcode === 0xc2 || opcode === 0x0f0b;
}
