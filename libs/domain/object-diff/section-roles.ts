// SPDX-License-Identifier: GPL-2.0-only
import { sectionFlag, sectionType, type ElfFile, type ElfSection, type SectionTable } from '@lockstep/domain/elf';

/**
 * What a section means to the differ.
 * - `ignored`: never part of the running kernel, or of no effect on it.
 * - `table`: entries that belong to code, handled entry by entry (code-tables.ts).
 * - `replacement`: code that `.altinstructions` entries point into.
 * - `constants`: merged strings or constants, compared by content.
 * - `code`, `data`: functions and variables.
 * - `registration`: read once at boot or module load (initcalls, parameters, exports, tracepoints): a patch cannot
 *   change what was registered.
 */
export type SectionRole = 'ignored' | 'table' | 'replacement' | 'constants' | 'code' | 'data' | 'registration';

/** Tables whose entries start with a reference to the code they are about. */
export const siteTables = [
  '__bug_table',
  '__ex_table',
  '__jump_table',
  '.altinstructions',
  '.parainstructions',
  '.static_call_sites',
  '.smp_locks',
  '.retpoline_sites',
  '.return_sites',
  '.call_sites',
  '__mcount_loc',
  '.orc_unwind_ip',
] as const;

export type SiteTable = (typeof siteTables)[number];

const siteTableNames = new Set<string>(siteTables);

export function isSiteTable(name: string): name is SiteTable {
  return siteTableNames.has(name);
}

/**
 * `.printk_index` only lists formats for a debugfs file, by line; `.orc_unwind` goes with `.orc_unwind_ip`.
 * `.ibt_endbr_seal` lists functions whose address nobody takes: a patch takes it, so its copies stay unsealed.
 * `.modinfo` is for whoever reads the file; namespaces are imported for what is used.
 * `__patchable_function_entries` lists padding: on x86 ftrace goes by `__mcount_loc` alone.
 */
const ignoredNames =
  /^(\.(discard|comment|note|printk_index$|eh_frame|orc_unwind$|ibt_endbr_seal$|modinfo$|llvm|debug|BTF$)|__patchable_function_entries$)/;

/** Where variables live, and `__dyndbg`, whose entries a livepatch module may bring along. */
const dataNames =
  /^(\.data|\.rodata|\.bss|\.ref\.(data|rodata)|\.(init|exit)\.(data|rodata)|\.BTF_ids$|__dyndbg$|__verbose$|\.(lockstep|kpatch)\.callbacks\.)/;

/** The roles of all sections of one file; most are told without making their names. */
export function sectionRoles({ sectionTable, relocationsOfIndex }: ElfFile): SectionRole[] {
  return Array.from({ length: sectionTable.count }, (_, section) => {
    const role = sectionRole(sectionTable, section);
    // Addresses among merged constants (vector code) are in no bytes: their references are what they are.
    return role === 'constants' && (relocationsOfIndex(section)?.count ?? 0) > 0 ? 'data' : role;
  });
}

function sectionRole(sections: SectionTable, section: number): SectionRole {
  const [type, flags] = [sections.type(section), sections.flags(section)];
  if ((flags & sectionFlag.alloc) === 0 || type === sectionType.note || type === sectionType.null) return 'ignored';
  if (sections.names.startsWith(sections.nameOffset(section), '.text')) return roleByKind('.text', flags);
  return roleByKind(sections.name(section), flags);
}

function roleByKind(name: string, flags: number): SectionRole {
  if (ignoredNames.test(name)) return 'ignored';
  if (isSiteTable(name)) return 'table';
  if (name === '.altinstr_replacement') return 'replacement';
  if ((flags & sectionFlag.exec) !== 0) return 'code';
  if ((flags & sectionFlag.merge) !== 0 && (flags & sectionFlag.write) === 0) return 'constants';
  return dataNames.test(name) ? 'data' : 'registration';
}

/** Code and data that are gone once the kernel (or the module) has started, or only run when it goes. */
export function isInitSection(name: string): boolean {
  return /^\.(init|exit|meminit|memexit|head)\./.test(name);
}

/**
 * What becomes of a section once the kernel runs: `gone` after the start, `percpu` once for each processor, `sealed` or
 * `constant` not to be written to (at once, or once the start is over), `apart` in pages that the kernel treats otherwise than
 * all others: it shares them with the hypervisor, or leaves them out of a hibernation's image; `writable`.
 */
export type Memory = 'gone' | 'percpu' | 'constant' | 'sealed' | 'apart' | 'writable';

export function memoryOf({ name, flags }: ElfSection): Memory {
  if (isInitSection(name)) return 'gone';
  if (/^\.(?:data|bss)\.\.(?:percpu\.\.)?(?:decrypted|nosave)\b/.test(name)) return 'apart';
  if (name.startsWith('.data..percpu')) return 'percpu';
  if (name.startsWith('.data..ro_after_init')) return 'sealed';
  return (flags & sectionFlag.write) === 0 || /^\.data\.rel\.ro\b/.test(name) ? 'constant' : 'writable';
}
