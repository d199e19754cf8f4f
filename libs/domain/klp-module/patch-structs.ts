// SPDX-License-Identifier: GPL-2.0-only
import { relocationType, sectionFlag, sectionType } from '@lockstep/domain/elf';
import type { LivepatchCallback } from '@lockstep/domain/object-diff';
import type { LivepatchLayouts } from './kernel-facts';
import type { ModuleImage, Place } from './module-image';
import { moduleRefusal } from './module-refusal';

export interface PatchedObject {
  readonly name: string;
  readonly functions: { readonly name: string; readonly sympos: number; readonly code: Place }[];
  readonly callbacks: { readonly kind: LivepatchCallback['kind']; readonly code: Place }[];
}

export interface PatchStructs {
  readonly objects: readonly PatchedObject[];
  readonly replace: boolean;
  readonly thisModule: Place;
}

/** Arrays end with an all-zero element (include/linux/livepatch.h). */
const terminator = 1;

const callbackFields = {
  pre_patch: 'prePatch',
  post_patch: 'postPatch',
  pre_unpatch: 'preUnpatch',
  post_unpatch: 'postUnpatch',
} as const;

/** Emits struct klp_patch with its klp_object and klp_func arrays; returns the klp_patch's place. */
export function addPatchStructs(image: ModuleImage, layouts: LivepatchLayouts, structs: PatchStructs): Place {
  const writer = new StructWriter(image);
  const { klpObject, klpPatch } = layouts;
  const objects = writer.reserve(klpObject.sizeBytes, structs.objects.length + terminator);
  structs.objects.forEach((object, index) => {
    const at = index * klpObject.sizeBytes;
    // A null name means vmlinux.
    if (object.name !== 'vmlinux') writer.pointer(objects, at + klpObject.name, writer.string(object.name));
    const functions = addFunctions(writer, layouts, object);
    const functionsBytes = layouts.klpFunc.sizeBytes * (object.functions.length + terminator);
    image.nameLocal(`lockstep_functions_${object.name}`, 'object', functions, functionsBytes);
    writer.pointer(objects, at + klpObject.funcs, functions);
    const kinds = object.callbacks.map(({ kind }) => kind);
    for (const { kind, code } of object.callbacks) {
      if (kinds.filter((other) => other === kind).length > 1) throw twoCallbacks(object.name, kind);
      writer.pointer(objects, at + klpObject[callbackFields[kind]], code);
    }
  });
  const patch = writer.reserve(klpPatch.sizeBytes, 1, structs.replace ? [klpPatch.replace] : []);
  writer.pointer(patch, klpPatch.mod, structs.thisModule);
  writer.pointer(patch, klpPatch.objs, objects);
  image.nameLocal('lockstep_patch', 'object', patch, klpPatch.sizeBytes);
  // Readers of the file learn the arrays' element sizes from the sizes of their symbols.
  image.nameLocal('lockstep_objects', 'object', objects, klpObject.sizeBytes * (structs.objects.length + terminator));
  return patch;
}

function addFunctions(writer: StructWriter, { klpFunc }: LivepatchLayouts, { functions }: PatchedObject): Place {
  const size = klpFunc.sizeBytes;
  const bytes = new Uint8Array(size * (functions.length + terminator));
  const view = new DataView(bytes.buffer);
  functions.forEach(({ sympos }, index) => {
    view.setUint32(index * size + klpFunc.oldSympos, sympos, true);
  });
  const array = writer.add(bytes);
  functions.forEach(({ name, code }, index) => {
    writer.pointer(array, index * size + klpFunc.oldName, writer.string(name));
    writer.pointer(array, index * size + klpFunc.newFunc, code);
  });
  return array;
}

class StructWriter {
  constructor(private readonly image: ModuleImage) {}

  /** `count` zeroed structs; `trueAt` are offsets of bools that are true. */
  reserve(sizeBytes: number, count: number, trueAt: readonly number[] = []): Place {
    const bytes = new Uint8Array(sizeBytes * count);
    for (const offset of trueAt) bytes[offset] = 1;
    return this.add(bytes);
  }

  add(bytes: Uint8Array): Place {
    const sectionFlags = sectionFlag.alloc | sectionFlag.write;
    const alignment = 8;
    return this.image.add({
      section: '.data',
      sectionType: sectionType.progbits,
      sectionFlags,
      alignment,
      bytes,
      sizeBytes: bytes.length,
    });
  }

  string(text: string): Place {
    const bytes = new TextEncoder().encode(`${text}\0`);
    const sectionFlags = sectionFlag.alloc;
    const alignment = 1;
    return this.image.add({
      section: '.rodata',
      sectionType: sectionType.progbits,
      sectionFlags,
      alignment,
      bytes,
      sizeBytes: bytes.length,
    });
  }

  pointer(from: Place, at: number, to: Place): void {
    this.image.relocate(from, {
      offset: from.offset + at,
      type: relocationType.absolute64,
      symbol: this.image.sectionSymbol(to),
      addend: to.offset,
    });
  }
}

function twoCallbacks(object: string, kind: string) {
  return moduleRefusal('two-callbacks', `the patch gives it two ${kind} callbacks, and it can have one.`, {
    object,
    section: `.lockstep.callbacks.${kind}`,
    action: 'call the one from the other',
  });
}
