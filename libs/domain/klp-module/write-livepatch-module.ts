// SPDX-License-Identifier: GPL-2.0-only
import { isPcRelative, sectionFlag, sectionType, writeNote, type ElfNote } from '@lockstep/domain/elf';
import {
  LockstepError,
  type KernelBuildId,
  type ModuleName,
  type PatchedFunction,
  type PatchId,
} from '@lockstep/domain/livepatch-model';
import type { KernelSymbol, ObjectDiff, Piece, PieceRelocation } from '@lockstep/domain/object-diff';
import { describeCallbacksOnly } from './callbacks-only';
import { addGlue } from './glue';
import type { ExportedSymbol, KernelFacts, KernelSymbolTable } from './kernel-facts';
import { lateSite } from './late-sites';
import { checkLostState } from './lost-state';
import { ModuleImage, type Place } from './module-image';
import { moduleRefusal } from './module-refusal';
import { ownNote, ownNoteOwner } from './own-notes';
import { whatOutlives } from './outliving-code';
import { addPatchStructs, type PatchedObject } from './patch-structs';
import { SymbolLookup, type FoundSymbol } from './symbol-lookup';
import { versionsTable } from './versions';

export interface LivepatchModuleInput {
  readonly facts: KernelFacts;
  /** One per changed object file; `object` is `vmlinux` or a module's name. */
  readonly diffs: readonly { readonly object: string; readonly diff: ObjectDiff }[];
  readonly moduleName: ModuleName;
  readonly patchId: PatchId;
  /** The kernel it is made for, which the module then records; undefined: it says no more than its version magic. */
  readonly kernelBuild?: KernelBuildId | undefined;
  /** Takes the place of all other livepatches (struct klp_patch.replace). */
  readonly replace: boolean;
  /** By module name: its symbol table (readModuleSymbols), for each module that is patched. */
  readonly moduleSymbols?: ReadonlyMap<string, KernelSymbolTable>;
}

export interface LivepatchModule {
  /** The .ko, byte-identical for identical input. */
  readonly bytes: Uint8Array;
  /** In order of object and symbol. */
  readonly functions: readonly PatchedFunction[];
  /** What works otherwise than the diff says, for people; mostly empty. */
  readonly remarks: readonly string[];
  /**
   * Why the module can be disabled and not removed: who may call its code later. Empty for most; otherwise the module has
   * no exit, so that the kernel itself keeps it.
   */
  readonly staysLoadedFor: readonly string[];
  /** What it does if it changes no function; null if it does. */
  readonly callbacksOnly: string | null;
}

const describeStay = (reason: string): string =>
  `the module stays loaded until the next boot, for what is in it may be used after it is disabled: ${reason}`;

const describeExport = (name: string, objectPath: string): string =>
  `EXPORT_SYMBOL of ${name} in ${objectPath} is left out: modules link against what the kernel was built with`;

const describeOldAddress = (name: string, objectPath: string): string =>
  `${name} of ${objectPath} has no ftrace entry: new code calls the new one, and whoever was given its address before goes on with the old one`;

const describeGoneAddress = (name: string, objectPath: string): string =>
  `${name} of ${objectPath} is gone with the diff: whoever was given its address before (a timer, a work item, an object's operations) goes on with it as it was. To have them run new code, leave the function under its name`;

/** A diff with where its pieces went and how its symbols are found. */
interface PlacedDiff {
  readonly object: string;
  readonly diff: ObjectDiff;
  /** By piece; undefined for what is left out, which nothing refers to. */
  readonly places: readonly (Place | undefined)[];
  readonly lookup: SymbolLookup;
  /** Of what is always there, whichever object it is. */
  readonly vmlinux: SymbolLookup;
  readonly remarks: readonly string[];
}

/** @throws LockstepError `refused` naming object, function or section, and what to do */
export function writeLivepatchModule(input: LivepatchModuleInput): LivepatchModule {
  const { facts, diffs, moduleName, replace } = input;
  const lostState = checkLostState(diffs, replace);
  const image = new ModuleImage();
  const staysLoadedFor = whatOutlives(diffs.map(({ diff }) => diff));
  const staysLoaded = staysLoadedFor.length > 0;
  const glue = addGlue(image, facts.glue, { name: moduleName, staysLoaded }, facts.layouts);
  const placed = placeDiffs(image, input);
  for (const one of placed) refuseMoved(one);
  if (!diffs.some(({ diff }) => diff.functions.length + diff.callbacks.length > 0)) throw noFunctionChanged(diffs);
  const linker = new Linker(image, facts.exports, placed);
  for (const diff of placed) linker.relocateDiff(diff);
  const objects = groupByObject(placed);
  const patch = addPatchStructs(image, facts.layouts, { objects, replace, thisModule: glue.thisModule });
  for (const { place, offset, type, name, addend } of glue.open) {
    const relocation =
      name === 'lockstep_patch'
        ? { symbol: image.sectionSymbol(patch), addend: patch.offset + addend }
        : { symbol: linker.exported(name, 'the module glue'), addend };
    image.relocate(place, { offset, type, ...relocation });
  }
  addIdentity(image, input, glue.modinfo, linker.namespaces());
  const versions = versionsTable(image.undefinedNames(), facts);
  if (versions !== null) image.add(versions);
  return {
    bytes: image.toBytes(),
    functions: objects.flatMap(({ name: object, functions }) =>
      functions.map(({ name, sympos }) => ({ object, name, sympos })),
    ),
    remarks: [
      ...new Set(placed.flatMap(({ remarks }) => remarks)),
      ...lostState,
      ...diffs.flatMap(({ diff }) => diff.oldAddresses.map((name) => describeOldAddress(name, diff.objectPath))),
      ...diffs.flatMap(({ diff }) => diff.goneAddresses.map((name) => describeGoneAddress(name, diff.objectPath))),
      ...diffs.flatMap(({ diff }) => diff.newExports.map((name) => describeExport(name, diff.objectPath))),
      ...staysLoadedFor.map(describeStay),
    ],
    staysLoadedFor,
    callbacksOnly: describeCallbacksOnly(placed),
  };
}

function noFunctionChanged(diffs: LivepatchModuleInput['diffs']): LockstepError {
  const added = diffs.flatMap(({ diff }) => diff.newFunctions);
  const message =
    added.length === 0
      ? 'The diff changes no function: after compilation the code is the same. Check that it touches what this kernel builds.'
      : `The diff changes no function, it only adds some (${added.join(', ')}) that nothing of the running kernel calls. Change a function that calls them; tables of the kernel, of system calls for one, stay as they are.`;
  const objects = diffs.map(({ diff }) => diff.objectPath);
  return new LockstepError('refused', 'no-function-changed', message, { objects });
}

function placeDiffs(image: ModuleImage, { facts, diffs, moduleSymbols }: LivepatchModuleInput): PlacedDiff[] {
  return diffs.map(({ object, diff }) => {
    const table = object === 'vmlinux' ? facts.symbols : moduleSymbols?.get(object);
    if (table === undefined) {
      throw moduleRefusal('module-symbols-missing', `it belongs to module ${object}, whose symbols are not known.`, {
        object: diff.objectPath,
        action: `build ${object}.ko with the kernel build and register it again`,
      });
    }
    const lookup = new SymbolLookup(table, [diff]);
    const vmlinux = object === 'vmlinux' ? lookup : new SymbolLookup(facts.symbols, [diff]);
    const comesLate = (symbol: KernelSymbol): boolean =>
      object !== 'vmlinux' &&
      (lookup.find(symbol, diff) !== null || (exporterOf(symbol, facts.exports) ?? 'vmlinux') !== 'vmlinux');
    const remarks: string[] = [];
    const places = diff.pieces.map((piece) => {
      const site = lateSite(piece, diff, comesLate);
      if (site.kind === 'silent') {
        remarks.push(`tracepoint ${site.tracepoint} stays silent in the patched functions of module ${object}`);
      }
      return site.kind === 'kept' ? addPiece(image, piece) : undefined;
    });
    return { object, diff, places, lookup, vmlinux, remarks };
  });
}

/** Who exports a symbol: undefined for nobody. Local symbols of the same name are another matter. */
function exporterOf({ scope, name }: KernelSymbol, exports: KernelFacts['exports']): string | undefined {
  return scope === 'global' ? exports.get(name)?.owner : undefined;
}

function addPiece(image: ModuleImage, piece: Piece): Place {
  const place = image.add(piece);
  if (piece.symbol !== null) image.nameLocal(piece.symbol.name, piece.symbol.type, place, piece.sizeBytes);
  return place;
}

/** `drivers/block/virtio-blk` (as in Module.symvers) is module `virtio_blk`. */
const moduleNameOfPath = (path: string) => (path.split('/').at(-1) ?? path).replaceAll('-', '_');

/** Tables that the module loader works on before a module that comes later is there. */
const earlySections: readonly string[] = [
  '.altinstr_replacement',
  '.parainstructions',
  '.static_call_sites',
  '__jump_table',
];

/** Decides for each reference how it is resolved: inside the module, by the module loader, or by kernel/livepatch. */
class Linker {
  private readonly usedNamespaces = new Set<string>();
  /** New global symbols of all diffs: any of them may refer to any. */
  private readonly newGlobals: ReadonlyMap<string, Place>;
  /** By object and name: what is global only with the patch. */
  private readonly widened: ReadonlyMap<string, { placed: PlacedDiff; symbol: KernelSymbol }>;

  constructor(
    private readonly image: ModuleImage,
    private readonly exports: ReadonlyMap<string, ExportedSymbol>,
    placed: readonly PlacedDiff[],
  ) {
    this.newGlobals = new Map(
      placed.flatMap(({ diff, places }) => diff.newGlobals.map(({ name, piece }) => [name, places[piece] as Place])),
    );
    this.widened = new Map(
      placed.flatMap((one) =>
        one.diff.widened.map((symbol) => [`${one.object} ${symbol.name}`, { placed: one, symbol }]),
      ),
    );
  }

  relocateDiff(placed: PlacedDiff): void {
    placed.diff.pieces.forEach((piece, index) => {
      const place = placed.places[index];
      if (place === undefined) return;
      for (const relocation of piece.relocations) this.relocate(placed, piece, place, relocation);
    });
  }

  /** A symbol that every module of this kernel may link against. */
  exported(name: string, wantedBy: string): number {
    const symbol = this.exports.get(name);
    if (symbol?.owner !== 'vmlinux') {
      throw moduleRefusal('symbol-not-exported', `${name} is not exported by this kernel.`, {
        object: wantedBy,
        function: name,
        action: 'register a kernel build that has livepatching on (CONFIG_LIVEPATCH)',
      });
    }
    if (symbol.namespace !== '') this.usedNamespaces.add(symbol.namespace);
    return this.image.undefinedSymbol(name, 'global');
  }

  namespaces(): string[] {
    return [...this.usedNamespaces].sort();
  }

  private relocate(placed: PlacedDiff, piece: Piece, place: Place, relocation: PieceRelocation): void {
    const { type, target, addend } = relocation;
    const offset = place.offset + relocation.offset;
    if (target.kind === 'piece') {
      this.relocateTo(placed.places[target.piece] as Place, place, { offset, type, addend });
      return;
    }
    const symbol = placed.diff.kernelSymbols[target.symbol];
    if (symbol === undefined) throw new LockstepError('internal', 'missing-kernel-symbol', 'The diff is inconsistent.');
    const isUnknown = symbol.scope === 'global' && placed.lookup.find(symbol, placed.diff) === null;
    const fresh = isUnknown ? this.newGlobals.get(symbol.name) : undefined;
    if (fresh !== undefined) {
      this.relocateTo(fresh, place, { offset, type, addend });
      return;
    }
    // Of its own object, or, for a module, of vmlinux: kernel/livepatch finds that for any.
    const widenedBy = (object: string) => this.widened.get(`${object} ${symbol.name}`);
    const widened = isUnknown ? (widenedBy(placed.object) ?? widenedBy('vmlinux')) : undefined;
    if (widened !== undefined) this.relocateToKernel(widened.placed, widened.symbol, piece, place, relocation);
    else this.relocateToKernel(placed, symbol, piece, place, relocation);
  }

  /** @param placed whose symbol it is */
  private relocateToKernel(
    placed: PlacedDiff,
    symbol: KernelSymbol,
    piece: Piece,
    place: Place,
    relocation: PieceRelocation,
  ): void {
    const { type, addend } = relocation;
    const offset = place.offset + relocation.offset;
    const found = placed.lookup.find(symbol, placed.diff);
    if (found !== null) this.checkThere(placed, found, piece);
    if (found?.isSealed === true && takesAddress(piece, relocation)) throw this.sealedFunction(placed, symbol.name);
    const isModule = placed.object !== 'vmlinux';
    const exporter = exporterOf(symbol, this.exports);
    const hidden = isModule && symbol.scope === 'global' ? placed.vmlinux.find(symbol, placed.diff) : null;
    if (found === null && hidden?.isSealed === true && takesAddress(piece, relocation)) {
      throw this.sealedFunction({ ...placed, object: 'vmlinux' }, symbol.name);
    }
    const isExported = exporter === 'vmlinux';
    if (isExported && !(isModule && found !== null)) {
      const index = this.exported(symbol.name, placed.diff.objectPath);
      this.image.relocate(place, { offset, type, symbol: index, addend });
    } else if (found !== null) {
      this.relocateLate(placed, piece, place, { offset, type, addend }, { owner: placed.object, ...found });
    } else if (isModule && exporter !== undefined) {
      // A module that the patched one depends on: there whenever the patched one is.
      const symbolThere = { owner: moduleNameOfPath(exporter), name: symbol.name, sympos: 0 };
      this.relocateLate(placed, piece, place, { offset, type, addend }, symbolThere);
    } else if (hidden !== null) {
      this.checkThere(placed, hidden, piece);
      // kernel/livepatch resolves it for any module, at once.
      const index = this.image.livepatchSymbol('vmlinux', hidden.name, hidden.sympos);
      this.image.relocateLate('vmlinux', place, { offset, type, addend, symbol: index });
    } else if (symbol.optional) {
      this.image.relocate(place, { offset, type, symbol: this.image.undefinedSymbol(symbol.name, 'weak'), addend });
    } else throw this.unknownSymbol(placed, symbol.name);
  }

  private relocateTo(to: Place, place: Place, relocation: { offset: number; type: number; addend: number }): void {
    this.image.relocate(place, {
      ...relocation,
      symbol: this.image.sectionSymbol(to),
      addend: to.offset + relocation.addend,
    });
  }

  private relocateLate(
    placed: PlacedDiff,
    piece: Piece,
    place: Place,
    relocation: { offset: number; type: number; addend: number },
    { owner, name, sympos }: { owner: string; name: string; sympos: number },
  ): void {
    this.checkEarly(placed, piece, name);
    const symbol = this.image.livepatchSymbol(owner, name, sympos);
    this.image.relocateLate(placed.object, place, { ...relocation, symbol });
  }

  private checkEarly(placed: PlacedDiff, piece: Piece, name: string): void {
    if (placed.object === 'vmlinux' || !earlySections.includes(piece.section)) return;
    throw moduleRefusal('needed-before-module', `${piece.section} needs ${name} of module ${placed.object}.`, {
      object: placed.diff.objectPath,
      section: piece.section,
      action: `ask the key by a call (static_key_enabled()), or leave out what ${placed.object} defines: it may load later`,
    });
  }

  /** kallsyms names what is gone like what is there. */
  private checkThere({ diff }: PlacedDiff, { name, isGone }: FoundSymbol, { symbol, mayUseStart }: Piece): void {
    if (!isGone || mayUseStart === true) return;
    throw moduleRefusal(
      'gone-symbol',
      `the new code refers to ${name}, whose memory is given back once the kernel has started (__init and its like).`,
      {
        object: diff.objectPath,
        function: symbol?.name ?? name,
        action: `leave it out, or bring along what it needs of ${name} under another name`,
      },
    );
  }

  private sealedFunction(placed: PlacedDiff, name: string) {
    return moduleRefusal(
      'sealed-function',
      `the new code takes the address of ${name}, which nothing in ${placed.object} did: its ENDBR is gone, and a call through the address would trap (CONFIG_X86_KERNEL_IBT).`,
      {
        object: placed.diff.objectPath,
        function: name,
        action: `add a function to the patch that calls ${name}, and take the address of that`,
      },
    );
  }

  private unknownSymbol(placed: PlacedDiff, name: string) {
    const without =
      placed.object === 'vmlinux' ? 'vmlinux does not have' : `neither ${placed.object} nor vmlinux has for others`;
    return moduleRefusal('unknown-symbol', `the new code refers to ${name}, which ${without}.`, {
      object: placed.diff.objectPath,
      function: name,
      action: 'use what this kernel build has, or add the symbol in the same diff',
    });
  }
}

/** Whether a reference is no call or jump, but may end in a pointer that is called. */
function takesAddress({ bytes, sectionFlags }: Piece, { type, offset }: PieceRelocation): boolean {
  if (!isPcRelative(type)) return true;
  // Tables only tell places; in code a RIP-relative operand that is no branch's is that of LEA.
  if ((sectionFlags & sectionFlag.exec) === 0) return false;
  const [escape, opcode] = [bytes[offset - 2], bytes[offset - 1] ?? 0];
  const isBranch = opcode === 0xe8 || opcode === 0xe9 || (escape === 0x0f && (opcode & 0xf0) === 0x80);
  return !isBranch;
}

/** A new function of a name that runs already would never be called: whoever calls that name gets the running one. */
function refuseMoved({ object, diff, lookup }: PlacedDiff): void {
  for (const name of [...diff.newGlobals.map((one) => one.name), ...diff.addedGlobals]) {
    const running = lookup.find({ name, scope: 'global', weak: false, optional: false }, diff);
    if (running === null) continue;
    throw moduleRefusal('moved-symbol', `${name} is new in it, and ${object} has one from another object.`, {
      object: diff.objectPath,
      function: name,
      action: 'leave it in the object that has it, or give the new one another name',
    });
  }
}

function groupByObject(placed: readonly PlacedDiff[]): PatchedObject[] {
  const objects = new Map<string, PatchedObject>();
  for (const { object, diff, places, lookup } of placed) {
    const group = objects.get(object) ?? { name: object, functions: [], callbacks: [] };
    objects.set(object, group);
    for (const { symbol, piece } of diff.functions) {
      const found = lookup.find(symbol, diff);
      if (found?.isFunction !== true || (symbol.weak && !found.isWeak)) {
        throw moduleRefusal('function-not-running', `${symbol.name} is not what ${object} runs under that name.`, {
          object: diff.objectPath,
          function: symbol.name,
          action: 'patch the definition that overrides it, or one of its callers',
        });
      }
      group.functions.push({ name: found.name, sympos: found.sympos, code: places[piece] as Place });
    }
    for (const { kind, piece } of diff.callbacks) group.callbacks.push({ kind, code: places[piece] as Place });
  }
  return [...objects.values()].filter(({ functions, callbacks }) => functions.length + callbacks.length > 0);
}

const bytesOfHex = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));

/** .modinfo, and as notes what the module was made from and for. */
function addIdentity(
  image: ModuleImage,
  { moduleName, patchId, kernelBuild }: LivepatchModuleInput,
  glueInfo: readonly string[],
  namespaces: readonly string[],
): void {
  const entries = [
    `name=${moduleName}`,
    ...glueInfo.filter((entry) => !entry.startsWith('name=')),
    ...namespaces.map((namespace) => `import_ns=${namespace}`),
  ];
  const info = new TextEncoder().encode(entries.map((entry) => `${entry}\0`).join(''));
  const alloc = sectionFlag.alloc;
  image.add({
    section: '.modinfo',
    sectionType: sectionType.progbits,
    sectionFlags: alloc,
    alignment: 1,
    bytes: info,
    sizeBytes: info.length,
  });
  const notes: ElfNote[] = [{ owner: ownNoteOwner, type: ownNote.patchId, description: bytesOfHex(patchId) }];
  if (kernelBuild !== undefined) {
    notes.push({ owner: ownNoteOwner, type: ownNote.kernelBuild, description: bytesOfHex(kernelBuild) });
  }
  const note = Uint8Array.from(notes.flatMap((each) => [...writeNote(each)]));
  image.add({
    section: '.note.lockstep',
    sectionType: sectionType.note,
    sectionFlags: alloc,
    alignment: 4,
    bytes: note,
    sizeBytes: note.length,
  });
}
