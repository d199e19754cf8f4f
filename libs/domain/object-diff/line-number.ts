// SPDX-License-Identifier: GPL-2.0-only
import { constantAt, isString } from './constants';
import type { Reference, ReferenceReader } from './references';
import { decodeInstruction, type Instruction } from './x86-instruction';

// Registers of int arguments as the low bits of `mov $imm32, %r32`: the second is %esi, third %edx, fourth %ecx.
const esi = 6;
const edx = 2;
const ecx = 1;

/*
 * Functions that macros call with __LINE__, and the register it is passed in: might_sleep() and friends, lockdep, the
 * btrfs and ext4 reporters. Another number there says where the call stands in the file, not what the code does.
 */
const lineRegisters: readonly (readonly [number, readonly string[]])[] = [
  [
    esi,
    [
      '__might_sleep',
      '___might_sleep',
      '__might_resched',
      '__might_fault',
      '__cant_sleep',
      '__cant_migrate',
      'lockdep_rcu_suspicious',
      'warn_slowpath_fmt',
      '__ext4_grp_locked_error',
      '__ext4_journal_start_reserved',
      '__ext4_journal_stop',
      '__ext4_journal_get_write_access',
      '__ext4_journal_get_create_access',
      '__ext4_forget',
      '__ext4_handle_dirty_metadata',
    ],
  ],
  [
    edx,
    [
      '__btrfs_panic',
      '__btrfs_handle_fs_error',
      '__btrfs_abort_transaction',
      '__ext4_error',
      '__ext4_error_inode',
      '__ext4_error_file',
      '__ext4_warning',
      '__ext4_warning_inode',
      '__ext4_std_error',
    ],
  ],
  [ecx, ['__ext4_mark_inode_dirty']],
];

/** ASSERT_RTNL() gives the line, in %edx, to one of these with its own format. */
const printers = new Set(['__warn_printk', 'printk', '_printk']);
const assertionFormat = 'RTNL: assertion failed at %s (%d)\n\0';

const lineRegisterOf = new Map(lineRegisters.flatMap(([register, names]) => names.map((name) => [name, register])));

/** How many instructions may stand between the line number and the call: the other arguments and little else. */
const maxInstructionsToCall = 12;

/** The bytes of one function in both builds; of equal length, with equal references. */
export interface CodePair {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** Whether two builds of a function differ in nothing but line numbers passed to the functions above. */
export function onlyLineNumberDiffers(
  { before, after }: CodePair,
  references: readonly Reference[],
  reader: ReferenceReader,
): boolean {
  const calls = new Map(references.map(({ offset, target }) => [offset, target]));
  const instructions: Instruction[] = [];
  for (let at = 0; at < before.length;) {
    const instruction = decodeInstruction(before, at, before.length);
    if (instruction === null) return false;
    instructions.push(instruction);
    at = instruction.end;
  }
  return instructions.every((instruction, index) => {
    if (!differs(before, after, instruction, calls)) return true;
    if (!isMoveImmediate32(instruction) || before[instruction.start] !== after[instruction.start]) return false;
    const next = instructions.slice(index + 1, index + 1 + maxInstructionsToCall);
    // A branch before the call could lead to another use of the number.
    const call = next.find(({ relativeBytes }) => relativeBytes > 0);
    const target = call?.opcode === 0xe8 || call?.opcode === 0xe9 ? calls.get(call.relativeOffset) : undefined;
    if (call === undefined || target?.kind !== 'undefined') return false;
    const register = instruction.opcode & 7;
    if (lineRegisterOf.get(target.name) === register) return true;
    if (register !== edx || !printers.has(target.name)) return false;
    const [from, to] = [argumentsStart(instructions, index), call.start];
    return references.some((reference) => {
      const isArgument = reference.offset >= from && reference.offset < to;
      return isArgument && isAssertionFormat(reader, reference);
    });
  });
}

/** Where the instructions begin of which none branches, up to the one at `index`. */
function argumentsStart(instructions: readonly Instruction[], index: number): number {
  let first = index;
  while (instructions[first - 1]?.relativeBytes === 0) first -= 1;
  return instructions[first]?.start ?? 0;
}

function isAssertionFormat(reader: ReferenceReader, { target }: Reference): boolean {
  if (target.kind !== 'chunk' || target.chunk.kind !== 'constants' || !isString(target)) return false;
  // printk's level may stand before it.
  return new TextDecoder('latin1').decode(constantAt(reader, target)).endsWith(assertionFormat);
}

/** mov $imm32, %r32, without prefix: where the compiler puts an int argument. */
const isMoveImmediate32 = ({ opcode, immediateBytes, start, end }: Instruction) =>
  opcode >= 0xb8 && opcode <= 0xbf && immediateBytes === 4 && end - start === 5;

function differs(
  before: Uint8Array,
  after: Uint8Array,
  { start, end }: Instruction,
  references: ReadonlyMap<number, unknown>,
): boolean {
  for (let at = start; at < end; at++) {
    if (references.has(at)) at += 3;
    else if (before[at] !== after[at]) return true;
  }
  return false;
}
