// SPDX-License-Identifier: GPL-2.0-only

const numberedSuffix = /\.\d+(?=\.|$)/g;

/** clang's static locals begin with their function's name, and only namesakes have a number: `work.count`, `work.count.5`. */
const clangStatic = /^[A-Za-z_]\w*\.(?!(?:cold|isra|part|constprop|localalias|lto_priv|llvm)$)[A-Za-z_]\w*$/;

/** `count.5` → `count.#`, `work.constprop.1` → `work.constprop.#`, `work.count` and `work.count.5` → `work.count.#`. */
export function unnumbered(name: string): string {
  if (!name.includes('.')) return name;
  return clangStatic.test(name) ? `${name}.#` : name.replace(numberedSuffix, '.#');
}

/** `work.isra.0.cold` → `work`: the function as the source names it. */
export function sourceFunctionName(name: string): string {
  return name.replace(/\.(isra|part|constprop|cold|localalias|lto_priv|llvm)(\.\d+)*/g, '').replace(numberedSuffix, '');
}

/** `count.5`, clang's `work.count` → `count`: the variable as the source names it. */
export function sourceVariableName(name: string): string {
  if (!name.includes('.')) return name;
  const plain = name.replace(/\.(?:new_\w+_)?\d+$/, '');
  return /^[A-Za-z_]\w*\.([A-Za-z_]\w*)$/.exec(plain)?.[1] ?? plain;
}

/** `work.cold` runs as part of `work`: it has no entry of its own. */
export const coldParent = (name: string): string | null => /^(.+)\.cold(\.\d+)?$/.exec(name)?.[1] ?? null;

/*
 * Compiler- and macro-made statics that are only constants or once-flags of their function: each copy of the function
 * has its own. `_entry` and `_entry_ptr` are printk's index, `_rs` a rate limit. gcc numbers what is a function's own,
 * clang puts the function's name before it: without either it is a variable of the whole file, and so its state.
 */
const ownName =
  '(?:__func__|__FUNCTION__|__PRETTY_FUNCTION__|__warned|__already_done|__print_once|___done|__key|__msg|_rs|_entry|_entry_ptr|CSWTCH)';
const perFunctionStatic = new RegExp(`^(?:[A-Za-z_]\\w*\\.${ownName}(?:\\.\\d+)*|${ownName}(?:\\.\\d+)+)$`);

/** Dynamic debug's: known by its section, for drivers have descriptors of their own. */
const dynamicDebug = /^(?:[A-Za-z_]\w*\.)?descriptor(?:\.\d+)*$/;

/** Whether two instances of this variable mean the same when their content is the same. */
export function isPerFunctionStatic(name: string, section: string): boolean {
  if (section === '__dyndbg' || section === '__verbose') return isMadeUnique(name) || dynamicDebug.test(name);
  return isMadeUnique(name) || perFunctionStatic.test(name);
}

const isMadeUnique = (name: string): boolean => /^(?:[A-Za-z_]\w*\.)?__UNIQUE_ID_/.test(name);
