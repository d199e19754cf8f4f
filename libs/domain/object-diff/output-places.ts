// SPDX-License-Identifier: GPL-2.0-only
import { sectionFlag, sectionType } from '@lockstep/domain/elf';
import type { Chunk } from './object-model';
import type { SiteTable } from './section-roles';

/** Which section of the livepatch module a piece goes to, and how. */
export interface OutputPlace {
  readonly section: string;
  readonly sectionType: number;
  readonly sectionFlags: number;
  readonly alignment: number;
}

const { alloc, exec, write } = sectionFlag;
const progbits = sectionType.progbits;

/** What functions are aligned to where their section holds several and says nothing of each. */
const functionAlignment = 16;

export function textPlace({ section, shared }: Chunk): OutputPlace {
  const alignment = shared ? Math.max(functionAlignment, section.alignment) : section.alignment;
  return { section: '.text', sectionType: progbits, sectionFlags: alloc | exec, alignment };
}

/** Sections with a meaning to the module loader stay; all other variables go by their kind. */
export function dataPlace({ section, start }: Chunk): OutputPlace {
  const { name } = section;
  const isZero = section.type === sectionType.nobits;
  // A variable inside a shared section is aligned as far as its place there shows.
  const alignment = start === 0 ? section.alignment : Math.min(section.alignment, start & -start);
  const to = (output: string, flags: number, type: number = progbits) => ({
    section: output,
    sectionType: type,
    sectionFlags: flags,
    alignment,
  });
  if (name.startsWith('.data..percpu')) return to('.data..percpu', alloc | write);
  if (name.startsWith('.data..ro_after_init')) return to('.data..ro_after_init', alloc | write);
  if (name === '__dyndbg' || name === '__verbose') return to(name, alloc | write);
  if (isZero) return to('.bss', alloc | write, sectionType.nobits);
  return (section.flags & write) === 0 ? to('.rodata', alloc) : to('.data', alloc | write);
}

export const replacementPlace: OutputPlace = {
  section: '.altinstr_replacement',
  sectionType: progbits,
  sectionFlags: alloc | exec,
  alignment: 1,
};

/** Tables the kernel writes to while it runs. */
const writtenTables: readonly string[] = ['__bug_table', '__jump_table', '.static_call_sites', '__mcount_loc'];

/** Entries lie back to back: the alignment must divide every entry's size. */
export function tablePlace(table: SiteTable | '.orc_unwind'): OutputPlace {
  const alignment =
    table === '__jump_table' || table === '.parainstructions' || table === '__mcount_loc'
      ? 8
      : table === '.orc_unwind' || table === '.altinstructions'
        ? 1
        : 4;
  const flags = writtenTables.includes(table) ? alloc | write : alloc;
  return { section: table, sectionType: progbits, sectionFlags: flags, alignment };
}
