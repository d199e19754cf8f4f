// SPDX-License-Identifier: GPL-2.0-only
import { parseModuleName, type ModuleName, type PatchId, type PatchName, type Sha256 } from './ids';

/** MODULE_NAME_LEN on 64-bit kernels, less the terminating NUL (include/linux/moduleparam.h). */
const moduleNameLimit = 55;
/** Enough that two patches of one name do not meet in one kernel. */
const idDigits = 8;

/**
 * `lockstep_<name>_<start of the id>`: tells people which patch it is, and changes when its code does.
 * @param id the patch's own; for one that is built onto others a hash over all of them
 */
export function moduleNameOf(name: PatchName, id: PatchId | Sha256): ModuleName {
  const suffix = `_${id.slice(0, idDigits)}`;
  const stem = `lockstep_${name.replaceAll('-', '_')}`.slice(0, moduleNameLimit - suffix.length);
  return parseModuleName(stem + suffix);
}
