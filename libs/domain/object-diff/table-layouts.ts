// SPDX-License-Identifier: GPL-2.0-only

/**
 * Sizes and offsets (bytes) inside the kernel's tables of code sites, as the kernel's own compiler laid them out
 * (measured by klp-module's probe, never guessed). 0 means that this kernel has no such table.
 */
export interface TableLayouts {
  /** struct bug_entry (`__bug_table`). */
  readonly bugEntryBytes: number;
  /** Where bug_entry.line is; -1 without CONFIG_DEBUG_BUGVERBOSE. It moves with every edit above it. */
  readonly bugLineOffset: number;
  /** How far behind the file name's start bug_entry.file's S + A lies: 4 where it counts from the entry (Linux 5.15). */
  readonly bugFileBias: number;
  /** struct exception_table_entry (`__ex_table`). */
  readonly exceptionEntryBytes: number;
  /** struct jump_entry (`__jump_table`). */
  readonly jumpEntryBytes: number;
  /** struct alt_instr (`.altinstructions`). */
  readonly alternativeEntryBytes: number;
  /** Where alt_instr.replacementlen (one byte) is. */
  readonly alternativeLengthOffset: number;
  /** struct paravirt_patch_site (`.parainstructions`). */
  readonly paravirtEntryBytes: number;
  /** struct static_call_site (`.static_call_sites`). */
  readonly staticCallEntryBytes: number;
  /** struct orc_entry (`.orc_unwind`). */
  readonly orcEntryBytes: number;
  /** struct _ddebug (`__dyndbg`). */
  readonly dynamicDebugEntryBytes: number;
  /** Where the 32-bit word of _ddebug is whose low 18 bits are the line number. */
  readonly dynamicDebugLineOffset: number;
}
