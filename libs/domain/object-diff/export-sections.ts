// SPDX-License-Identifier: GPL-2.0-only

/** What exports are called is told by their entries, too. */
export const exportNames = '__ksymtab_strings';

/** Each EXPORT_SYMBOL has sections of its own. @returns the name that the section exports, if it does */
export const exportIn = (section: string): string[] =>
  /^___k(?:symtab|crctab)(?:_gpl)?\+(.+)$/.exec(section)?.slice(1) ?? [];
