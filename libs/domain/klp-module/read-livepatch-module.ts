// SPDX-License-Identifier: GPL-2.0-only
import { parseElf, sectionFlag, type ElfFile } from '@lockstep/domain/elf';
import {
  LockstepError,
  parseModuleName,
  type ModuleName,
  type PatchedFunction,
} from '@lockstep/domain/livepatch-model';
import { DataReader, type DataPlace } from './data-reader';
import { originOf, readModinfo, type ModuleOrigin } from './read-module-origin';

/** What a livepatch module's file says about itself. */
export interface LivepatchFile extends ModuleOrigin {
  readonly module: ModuleName;
  readonly functions: readonly PatchedFunction[];
  /** Takes the place of all other livepatches; null when it decides that only when it is loaded (kpatch's do). */
  readonly replace: boolean | null;
  /** The kernel cannot remove it: it has an entry and no exit. Null where neither is to be seen. */
  readonly staysLoaded: boolean | null;
}

/** A reading of one of the two forms in which modules keep their functions. */
type Found = Pick<LivepatchFile, 'functions' | 'replace'>;

/**
 * Reads which functions a livepatch module changes, out of the module itself, whoever made it: from struct klp_patch
 * (Lockstep's, the kernel's samples and selftests), or from the table that kpatch-build leaves in its modules.
 * The fields used have stood where they are since Linux 4.5; the sizes of the structs follow from the arrays' symbols.
 * @param file what to call it in errors
 * @throws LockstepError `invalid-input`: `malformed-elf`, `foreign-elf`, `not-a-module`, `not-a-livepatch`,
 *   `functions-unknown`
 */
export function readLivepatchModule(bytes: Uint8Array, file: string): LivepatchFile {
  const elf = parseElf(bytes, file);
  const info = readModinfo(elf);
  const name = info.get('name');
  if (elf.kind !== 'relocatable' || name === undefined) {
    throw new LockstepError('invalid-input', 'not-a-module', `${file} is no kernel module: give a .ko file.`, { file });
  }
  if (info.get('livepatch') !== 'Y') {
    const message = `${file} is a kernel module, but not a livepatch: it lacks MODULE_INFO(livepatch, "Y").`;
    throw new LockstepError('invalid-input', 'not-a-livepatch', message, { file, module: name });
  }
  const found = readPatchStruct(elf) ?? readKpatchTable(elf);
  if (found === null) throw functionsUnknown(file, name);
  const inKernel = found.functions.filter(({ object }) => object === 'vmlinux').length;
  // Without CONFIG_MODULE_UNLOAD no module has an exit.
  const staysLoaded = /\bmod_unload\b/.test(info.get('vermagic') ?? '') ? hasNoExit(elf) : null;
  return { module: parseModuleName(name), ...originOf(elf, bytes, inKernel), ...found, staysLoaded };
}

/** struct module points at its init and its exit, and at nothing else. */
function hasNoExit(elf: ElfFile): boolean | null {
  const own = elf.sections.find(({ name }) => name === '.gnu.linkonce.this_module');
  const pointers = own === undefined ? 0 : (elf.relocationsOf(own)?.count ?? 0);
  return pointers === 0 ? null : pointers === 1;
}

function functionsUnknown(file: string, module: string): LockstepError {
  const message =
    `${file} does not tell which functions it changes: it has neither one struct klp_patch with named arrays nor ` +
    `kpatch's table. It puts its list together when it is loaded, or has lost its symbols; give the unstripped module.`;
  return new LockstepError('invalid-input', 'functions-unknown', message, { file, module });
}

// include/linux/livepatch.h: fields' places (bytes). Before Linux 5.5 `replace` stood where `states` is now.
const klpFunc = { oldName: 0, newFunc: 8, oldSympos: 16 };
const klpObject = { name: 0, funcs: 8 };
const klpPatch = { mod: 0, objs: 8, replace: 24, replaceBefore55: 16 };

/** kpatch-build's struct of a changed function (bytes); its section holds nothing else. */
const kpatchFunc = { sympos: 32, name: 40, object: 48, sizeBytes: 56 };

/** Null unless there is exactly one struct klp_patch that can be read. */
function readPatchStruct(elf: ElfFile): Found | null {
  const data = new DataReader(elf);
  const found = data.pointersTo('.gnu.linkonce.this_module').flatMap(({ section, offset }) => {
    const patch = { section, offset: offset - klpPatch.mod };
    const objects = data.follow(patch, klpPatch.objs);
    const functions = objects === null ? null : readObjects(data, objects);
    return functions === null ? [] : [{ functions, replace: isReplace(data, patch) }];
  });
  return found.length === 1 ? (found[0] ?? null) : null;
}

// In either form of the struct the other place is a zero byte, or else a pointer that is still to be relocated.
const isReplace = (data: DataReader, patch: DataPlace): boolean =>
  [klpPatch.replace, klpPatch.replaceBefore55].some((at) => data.u32(patch, at) % 0x100 === 1);

/** The functions of an array of struct klp_object; null if it is none. */
function readObjects(data: DataReader, array: DataPlace): PatchedFunction[] | null {
  // Only `funcs` points to what can be written: `name` is constant, callbacks are code.
  const objects = elements(data, array, klpObject.funcs, ({ section }) => (section.flags & sectionFlag.write) !== 0);
  if (objects === null || objects.length === 0) return null;
  const functions: PatchedFunction[] = [];
  for (const object of objects) {
    const name = data.follow(object, klpObject.name);
    const funcs = data.follow(object, klpObject.funcs);
    const read = funcs === null ? null : readFunctions(data, funcs, name === null ? 'vmlinux' : data.text(name));
    if (read === null) return null;
    functions.push(...read);
  }
  return functions;
}

/** The functions of an array of struct klp_func, which may be empty; null if it is none. */
function readFunctions(data: DataReader, array: DataPlace, object: string): PatchedFunction[] | null {
  const isCode = ({ section }: DataPlace): boolean => (section.flags & sectionFlag.exec) !== 0;
  const funcs = elements(data, array, klpFunc.newFunc, isCode);
  if (funcs === null) return null;
  const functions: PatchedFunction[] = [];
  for (const func of funcs) {
    const name = data.follow(func, klpFunc.oldName);
    if (name === null) return null;
    functions.push({ object, name: data.text(name), sympos: data.u32(func, klpFunc.oldSympos) });
  }
  return functions;
}

/**
 * The elements of an array that ends with one of zeros: each has at `pointerAt` a pointer that `is` right, no other
 * pointer is. With their number and the size of the array's symbol the size of an element is known.
 */
function elements(
  data: DataReader,
  array: DataPlace,
  pointerAt: number,
  is: (target: DataPlace) => boolean,
): DataPlace[] | null {
  const sizeBytes = data.sizeOf(array);
  if (sizeBytes === null) return null;
  const found = data.pointersIn(array, sizeBytes).filter(({ target }) => is(target));
  const elementBytes = sizeBytes / (found.length + 1);
  const isRegular = found.every(({ at }, index) => at === index * elementBytes + pointerAt);
  return isRegular ? found.map(({ at }) => ({ ...array, offset: array.offset + at - pointerAt })) : null;
}

/** kpatch-build's own table, of which its modules make their struct klp_patch when they are loaded. */
function readKpatchTable(elf: ElfFile): Found | null {
  const section = elf.sections.find(({ name }) => name === '.kpatch.funcs');
  if (section === undefined) return null;
  const data = new DataReader(elf);
  const functions: PatchedFunction[] = [];
  for (let offset = 0; offset + kpatchFunc.sizeBytes <= section.sizeBytes; offset += kpatchFunc.sizeBytes) {
    const func = { section, offset };
    const name = data.follow(func, kpatchFunc.name);
    const object = data.follow(func, kpatchFunc.object);
    if (name === null || object === null) return null;
    functions.push({ object: data.text(object), name: data.text(name), sympos: data.u32(func, kpatchFunc.sympos) });
  }
  return functions.length === 0 ? null : { functions, replace: null };
}
