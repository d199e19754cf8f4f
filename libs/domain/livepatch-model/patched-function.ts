// SPDX-License-Identifier: GPL-2.0-only
import type { Brand } from './brand';

/**
 * One function a livepatch changes, as in struct klp_object and struct klp_func (include/linux/livepatch.h).
 * `object` is `vmlinux` or a module's name; `sympos` is the place among symbols of that name in that object,
 * 0 meaning "the only one".
 */
export interface PatchedFunction {
  readonly object: string;
  readonly name: string;
  readonly sympos: number;
}

/** Two functions are the same one if and only if their keys are equal. */
export type FunctionKey = Brand<string, 'FunctionKey'>;

/** sympos 0 and 1 are the same place (kernel/livepatch, klp_find_object_symbol). */
export function functionKey({ object, name, sympos }: PatchedFunction): FunctionKey {
  return `${object} ${name} ${sympos === 0 ? 1 : sympos}` as FunctionKey;
}

/** `vmlinux:meminfo_proc_show`, with `,2` only where the place among duplicates matters. */
export function showFunction({ object, name, sympos }: PatchedFunction): string {
  return sympos > 1 ? `${object}:${name},${sympos}` : `${object}:${name}`;
}
