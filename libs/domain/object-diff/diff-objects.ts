// SPDX-License-Identifier: GPL-2.0-only
import { isPcRelative, parseElf, sectionType, symbolType, type ElfFile } from '@lockstep/domain/elf';
import { Below } from './below';
import { Carrier } from './carry';
import { describeDifference, type ChangeReason } from './change-reason';
import { CodeTables } from './code-tables';
import { Comparison } from './compare';
import { chunksOf, Correlation } from './correlate';
import { exportIn, exportNames } from './export-sections';
import type { ChangedFunction, LivepatchCallback, ObjectDiff, ObjectPair } from './object-diff';
import { holdsPlacesIn } from './label-tables';
import { ObjectModel, type Chunk } from './object-model';
import { ReferenceReader } from './references';
import { differRefusal } from './refusal';
import { isInitSection, memoryOf } from './section-roles';
import type { Side } from './side';
import { Skim } from './skim';
import { sleepersIn, type Sleeper } from './sleepers';
import { describeState, isState, refuseLostState, type StateOf, type StateVariable } from './state';
import { coldParent } from './symbol-names';
import type { TableLayouts } from './table-layouts';

/**
 * Finds the functions that differ between two builds of one object, and all that a livepatch of them must bring along.
 * Near-linear in the objects' size. An object that does not differ gives no functions and no pieces.
 * @throws LockstepError `invalid-input` (malformed ELF), `refused` with object, function or variable, section, action
 */
export function diffObjects(pair: ObjectPair): ObjectDiff {
  const { original, patched, running, objectPath, tables, thorough, provenStatics = new Set<string>() } = pair;
  const before = openSide(original, objectPath, tables);
  const after = openSide(patched, `${objectPath} (patched)`, tables);
  const skim = new Skim(before, after, tables, thorough);
  const kernel = running === undefined ? before : openSide(running, `${objectPath} (running)`, tables);
  const below = kernel === before ? undefined : readBelow(kernel, before, pair, provenStatics);
  const compared = compareAll(before, after, skim, { tables, provenStatics, below });
  const { correlation, changed } = compared;
  const carrier = new Carrier(objectPath, after, correlation.without(below?.copied ?? []), below);
  const state = changedState(before, after, skim, correlation);
  const inThis = (variable: StateVariable): StateOf => ({ objectPath, variable });
  refuseLostState(state.gone.map(inThis), state.fresh.map(inThis));
  const changes = [...changed].sort(([a], [b]) => a.section.index - b.section.index || a.start - b.start);
  for (const [chunk] of changes) checkPatchable(objectPath, before, chunk);
  checkData(objectPath, before, skim, compared);
  const newExports = checkRegistrations(objectPath, before, after, skim, compared);
  // All pieces first: places inside changed functions are those of the carried copies.
  const functions = changes.map(([chunk, reasons]): ChangedFunction => {
    const piece = carrier.carryCode((correlation.toPatched(chunk) ?? correlation.toAlias(chunk)) as Chunk);
    return { symbol: carrier.kernelSymbolOf(chunk), piece, reasons };
  });
  const openChunks = chunksOf(after.reader.model, skim.unsettledPatched());
  for (const chunk of openChunks) {
    const isNewGlobal = chunk.scope === 'global' && correlation.toOriginal(chunk) === undefined;
    if (chunk.kind === 'function' && isNewGlobal && !isInitSection(chunk.section.name)) {
      refuseLeftInit(objectPath, before, chunk);
      carrier.carryCode(chunk);
    } else if (chunk.kind === 'data' && chunk.role === 'data' && isNewGlobal && !isInitSection(chunk.section.name)) {
      carrier.carryData(chunk);
    }
  }
  const callbacks = findCallbacks(after, openChunks, carrier);
  return {
    objectPath,
    fileName: kernel.reader.model.fileName,
    localNames: carrier.pieces.length === 0 ? [] : localNames(kernel.reader.model),
    functions,
    newFunctions: carrier.newFunctions,
    newGlobals: carrier.newGlobals,
    widened: openChunks.flatMap((chunk) => {
      const original = correlation.toOriginal(chunk);
      const isWidened = chunk.scope === 'global' && original?.scope === 'local' && chunk.role !== 'registration';
      return isWidened ? [carrier.kernelSymbolOf(original)] : [];
    }),
    goneGlobals: skim.goneGlobals(),
    addedGlobals: skim.addedGlobals(),
    oldAddresses: addressesTaken(before, skim, compared.absorbed),
    goneAddresses: addressesTaken(before, skim, goneFunctions(before, skim, compared)),
    goneState: state.gone,
    newState: state.fresh,
    pieces: carrier.pieces,
    kernelSymbols: carrier.kernelSymbols,
    sleepers: functions.length === 0 ? [] : sleepersAmong(functions, kernel.reader.model.elf),
    newExports,
    callbacks,
  };
}

/** Functions that stay in the running kernel, and that the patched source has no more. */
function goneFunctions({ reader }: Side, skim: Skim, { correlation, absorbed }: Compared): Set<Chunk> {
  const isGone = (chunk: Chunk) =>
    chunk.kind === 'function' &&
    !absorbed.has(chunk) &&
    !isInitSection(chunk.section.name) &&
    coldParent(chunk.name) === null &&
    (correlation.toPatched(chunk) ?? correlation.toAlias(chunk)) === undefined;
  return new Set(chunksOf(reader.model, skim.unsettled()).filter(isGone));
}

/** Those of some functions whose address code takes for something else than to call it. */
function addressesTaken({ reader }: Side, skim: Skim, functions: ReadonlySet<Chunk>): string[] {
  if (functions.size === 0) return [];
  const code = chunksOf(reader.model, skim.unsettled()).filter(({ role }) => role === 'code');
  const taken = code.flatMap((chunk) => {
    const bytes = reader.model.elf.bytesOf(chunk.section).subarray(chunk.start, chunk.end);
    const references = reader.referencesOf(chunk).filter(({ offset, type }) => !isBranch(bytes, offset, type));
    return references.flatMap(({ target }) =>
      target.kind === 'chunk' && target.chunk !== chunk && functions.has(target.chunk) ? [target.chunk.name] : [],
    );
  });
  return [...new Set(taken)].sort();
}

/** Whether the operand at `offset` is that of a call or jump. */
function isBranch(bytes: Uint8Array, offset: number, type: number): boolean {
  const [escape, opcode = 0] = [bytes[offset - 2], bytes[offset - 1]];
  return isPcRelative(type) && (opcode === 0xe8 || opcode === 0xe9 || (escape === 0x0f && (opcode & 0xf0) === 0x80));
}

/** What state the one build has and the other has not. */
function changedState(before: Side, after: Side, skim: Skim, correlation: Correlation) {
  const stateIn = ({ reader }: Side, open: readonly number[], pairOf: (chunk: Chunk) => Chunk | undefined) => {
    const alone = chunksOf(reader.model, open).filter((chunk) => isState(chunk) && pairOf(chunk) === undefined);
    return describeState(alone, reader, open);
  };
  // What may be one of several has its own refusal, where it is used.
  const mayBeOld = (chunk: Chunk) => (correlation.ambiguous.has(chunk) ? chunk : correlation.toOriginal(chunk));
  return {
    gone: stateIn(before, skim.unsettled(), (chunk) => correlation.toPatched(chunk)),
    fresh: stateIn(after, skim.unsettledPatched(), mayBeOld),
  };
}

/** A static function that was `__init` is carried as a new one; a global one is meant by name, and that is gone. */
function refuseLeftInit(objectPath: string, { reader }: Side, { name }: Chunk): void {
  const was = reader.model.find(name, '');
  if (was === null || !isInitSection(was.section.name)) return;
  throw differRefusal('left-init', `${name} was in ${was.section.name}, which is gone since the kernel started.`, {
    object: objectPath,
    function: name,
    section: was.section.name,
    action: 'leave it there, and add a function of another name that does the same',
  });
}

function sleepersAmong(functions: readonly ChangedFunction[], running: ElfFile): Sleeper[] {
  const sleepers = sleepersIn(running);
  return functions.flatMap(({ symbol }) => sleepers.get(symbol.name) ?? []);
}

function openSide(bytes: Uint8Array, name: string, layouts: TableLayouts): Side {
  const elf = parseElf(bytes, name);
  checkKind(elf);
  const reader = new ReferenceReader(new ObjectModel(elf), layouts);
  return { reader, tables: new CodeTables(reader, layouts) };
}

function checkKind({ name, kind, sectionTable }: ElfFile): void {
  let odd = 0;
  for (let section = 1; section < sectionTable.count && odd === 0; section++) {
    const type = sectionTable.type(section);
    if (type === sectionType.rel || type === sectionType.group) odd = section;
  }
  if (kind === 'relocatable' && odd === 0) return;
  const section = odd === 0 ? undefined : sectionTable.name(odd);
  throw differRefusal(
    'unsupported-object',
    section === undefined ? `it is ${kind}.` : `${section} is of a kind not handled.`,
    {
      object: name,
      ...(section === undefined ? {} : { section }),
      action: 'give the relocatable object as the kernel build makes it (x86_64, RELA, no section groups)',
    },
  );
}

/** What the comparison found. */
interface Compared {
  readonly correlation: Correlation;
  readonly comparison: Comparison;
  /** Original chunks of changed functions. */
  readonly changed: ReadonlyMap<Chunk, readonly ChangeReason[]>;
  /** Original functions that differ and cannot be redirected, and so are replaced by new ones. */
  readonly absorbed: ReadonlySet<Chunk>;
}

interface HowCompared {
  readonly tables: TableLayouts;
  readonly provenStatics: ReadonlySet<string>;
  readonly below?: Below | undefined;
}

/**
 * Compares all functions. A changed local function without an ftrace entry (out-of-line copies of inlines are notrace)
 * cannot be redirected, but all its callers are here: it counts as replaced by a new function, which changes them.
 */
function compareAll(before: Side, after: Side, skim: Skim, { tables, provenStatics, below }: HowCompared): Compared {
  let correlation = Correlation.of(before.reader, after.reader, skim, provenStatics);
  const absorbed = new Set<Chunk>();
  for (;;) {
    const comparison = new Comparison(before, after, correlation, skim, tables);
    const changed = findChangedFunctions(before, skim, correlation, comparison);
    const found = [...changed.keys()].filter(
      (chunk) =>
        below?.isOnlyBelow(chunk) === true ||
        (chunk.scope === 'local' && !isInitSection(chunk.section.name) && !hasFtraceSite(before, chunk)),
    );
    if (found.length === 0) return { correlation, comparison, changed, absorbed };
    for (const chunk of found) absorbed.add(chunk);
    correlation = correlation.without(found);
    skim.reopenReferrersOf(found.map(({ section }) => section.index));
  }
}

/** Tells what of `original` the running kernel has itself, and what only livepatches have. */
function readBelow(
  kernel: Side,
  original: Side,
  { objectPath, tables }: ObjectPair,
  provenStatics: ReadonlySet<string>,
): Below {
  const skim = new Skim(kernel, original, tables);
  const { correlation } = compareAll(kernel, original, skim, { tables, provenStatics });
  return new Below(objectPath, original, skim, correlation);
}

/** Original chunks of changed functions with the reasons. A changed cold part changes its function. */
function findChangedFunctions(
  before: Side,
  skim: Skim,
  correlation: Correlation,
  comparison: Comparison,
): Map<Chunk, ChangeReason[]> {
  const changed = new Map<Chunk, ChangeReason[]>();
  const { model } = before.reader;
  for (const chunk of chunksOf(model, skim.unsettled())) {
    const twin = correlation.toPatched(chunk) ?? correlation.toAlias(chunk);
    if (chunk.kind !== 'function' || twin === undefined) continue;
    const differences = comparison.functionDifferences(chunk, twin);
    if (differences.length === 0) continue;
    const parent = coldParent(chunk.name);
    const owner = parent === null ? chunk : model.find(parent, chunk.file);
    if (owner === null || (owner !== chunk && correlation.toPatched(owner) === undefined)) continue;
    const part = owner === chunk ? 'function' : 'cold';
    const reasons = differences.map((difference): ChangeReason => ({ part, difference }));
    changed.set(owner, [...(changed.get(owner) ?? []), ...reasons]);
  }
  return changed;
}

/** How far after its start a function's ftrace site may lie: endbr64 and a call. */
const maxFtraceSiteOffset = 16;

function hasFtraceSite(side: Side, chunk: Chunk): boolean {
  if (hasUnlistedFtraceCall(side, chunk)) return true;
  return side.tables.entriesOf(chunk).some(({ table, references }) => {
    const place = references[0]?.target.place ?? maxFtraceSiteOffset;
    return table === '__mcount_loc' && place < maxFtraceSiteOffset;
  });
}

/**
 * Where recordmcount makes the list, an object that was only compiled has none yet; and that of older kernels knows no
 * sections of single functions: it leaves their calls of ftrace out and clears the relocations. The running kernel,
 * built without such sections, has them all listed.
 */
function hasUnlistedFtraceCall({ reader }: Side, { section, start }: Chunk): boolean {
  const { relocationsOfIndex, symbols } = reader.model.elf;
  const relocations = relocationsOfIndex(section.index);
  const rank = relocations?.firstFrom(start) ?? 0;
  if (relocations === null || rank >= relocations.count) return false;
  const isFirst = relocations.offset(rank) < start + maxFtraceSiteOffset;
  return isFirst && symbols.name(relocations.symbol(rank)) === '__fentry__';
}

function checkPatchable(objectPath: string, before: Side, chunk: Chunk): void {
  const { name, section } = chunk;
  const where = { object: objectPath, function: name, section: section.name };
  if (isInitSection(section.name)) {
    throw differRefusal(
      'init-function',
      `${name} is in ${section.name}: it has run already, or only runs on removal.`,
      {
        ...where,
        action: 'leave it as it is; change what the running kernel still calls',
      },
    );
  }
  if (!hasFtraceSite(before, chunk)) throw noFtraceEntry(objectPath, before, chunk, 'other objects may call it');
}

/** Makefiles leave ftrace out of whole folders and files: lib/ and kernel/events/core.c, among others. */
function isBuiltWithoutFtrace({ reader }: Side): boolean {
  const { sections, symbols } = reader.model.elf;
  return !sections.some(({ name }) => name === '__mcount_loc') && symbols.named('__fentry__').length === 0;
}

function noFtraceEntry(objectPath: string, before: Side, { name, section }: Chunk, why: string) {
  const because = isBuiltWithoutFtrace(before)
    ? 'its Makefile has the whole file compiled without ftrace: functions of other files can be livepatched'
    : 'inline, notrace, noinstr and assembly cannot be livepatched';
  return differRefusal('no-ftrace-entry', `${name} differs and has no ftrace entry to redirect it by; ${why}.`, {
    object: objectPath,
    function: name,
    section: section.name,
    action: `make the change in the functions that call it (${because})`,
  });
}

/** Refuses changes to variables and to what is registered at boot or module load: they run with their old content. */
function checkData(
  objectPath: string,
  before: Side,
  skim: Skim,
  { correlation, comparison, absorbed, changed }: Compared,
): void {
  for (const chunk of chunksOf(before.reader.model, skim.unsettled())) {
    if (holdsPlacesIn(before, chunk, (code) => changed.has(code))) continue;
    const twin = correlation.toPatched(chunk);
    if (chunk.kind !== 'data' || twin === undefined) continue;
    const isZero = chunk.section.type === sectionType.nobits && twin.section.type === sectionType.nobits;
    const sameSize = chunk.end - chunk.start === twin.end - twin.start;
    const difference = isZero && sameSize ? null : comparison.chunkDifference(chunk, twin);
    if (difference === null) continue;
    const targets = before.reader
      .referencesOf(chunk)
      .map(({ target }) => (target.kind === 'chunk' ? target.chunk : null));
    const pointedAt = targets.find((target) => target !== null && absorbed.has(target));
    if (pointedAt) throw noFtraceEntry(objectPath, before, pointedAt, `${chunk.name} points at it`);
    throw differRefusal('data-changed', `the content of ${chunk.name} changes (${describeDifference(difference)}).`, {
      object: objectPath,
      variable: chunk.name,
      section: chunk.section.name,
      action: insteadOfData(
        chunk,
        targets.some((target) => target?.kind === 'function'),
      ),
    });
  }
}

/** What to do instead of giving a variable another content. */
function insteadOfData({ section }: Chunk, namesFunctions: boolean): string {
  if (section.name === '__param')
    return (
      'leave the parameter as it was registered: its file under /sys/module is there since then. ' +
      'Who may write it is changed by chmod, what may be written in the function that sets it'
    );
  if (isInitSection(section.name))
    return 'leave it as it is: it was read when the kernel (or the module) started, and is gone since then';
  if (['constant', 'sealed'].includes(memoryOf(section)))
    return (
      'leave it as it is (its memory is not written to, by a callback either: it is const or __ro_after_init), ' +
      'and use a new one of another name in the functions that need it' +
      (namesFunctions ? ', or change the functions that it names' : '')
    );
  return 'leave the variable as it is and set it from a pre-patch callback, or use a new variable or shadow variables';
}

/** @returns the names of added exports, which change nothing that is there */
function checkRegistrations(
  objectPath: string,
  before: Side,
  after: Side,
  skim: Skim,
  { correlation, comparison }: Compared,
): string[] {
  const isUnpaired = (twin: Chunk | undefined) => twin === undefined;
  const oldOnes = registrations(chunksOf(before.reader.model, skim.unsettled()), (chunk) =>
    isUnpaired(correlation.toPatched(chunk)),
  );
  const newOnes = registrations(chunksOf(after.reader.model, skim.unsettledPatched()), (chunk) =>
    isUnpaired(correlation.toOriginal(chunk)),
  );
  const changed = [...new Set([...oldOnes.keys(), ...newOnes.keys()])].filter((section) => {
    const [old, now] = [oldOnes.get(section) ?? [], newOnes.get(section) ?? []];
    const isSame = (chunk: Chunk, index: number) => comparison.chunkDifference(chunk, now[index] as Chunk) === null;
    return old.length !== now.length || !old.every(isSame);
  });
  const wasExported = new Set([...oldOnes.keys()].flatMap(exportIn));
  const newExports = [...new Set(changed.flatMap(exportIn))].filter((name) => !wasExported.has(name));
  const refused = changed.filter(
    (name) => name !== exportNames && !exportIn(name).some((exported) => newExports.includes(exported)),
  );
  const [section] = refused;
  if (section === undefined) return newExports;
  const exported = refused.flatMap(exportIn)[0];
  if (exported !== undefined) {
    throw differRefusal('export-changed', `what it exports under the name ${exported} changes.`, {
      object: objectPath,
      function: exported,
      section,
      action: 'leave the exports as they are: modules link against those that the kernel was built with',
    });
  }
  throw differRefusal('registration-changed', `what ${section} registers changes.`, {
    object: objectPath,
    section,
    action: 'leave out what is only read at boot or at module load (parameters, exports, tracepoints, initcalls)',
  });
}

/** Registered content that no name pairs, by section. */
function registrations(chunks: readonly Chunk[], isUnpaired: (chunk: Chunk) => boolean): Map<string, Chunk[]> {
  const bySection = new Map<string, Chunk[]>();
  for (const chunk of chunks) {
    if (chunk.role !== 'registration' || !isUnpaired(chunk)) continue;
    const list = bySection.get(chunk.section.name);
    if (list === undefined) bySection.set(chunk.section.name, [chunk]);
    else list.push(chunk);
  }
  return bySection;
}

const callbackSection = /^\.(?:lockstep|kpatch)\.callbacks\.(pre_patch|post_patch|pre_unpatch|post_unpatch)$/;

/** Pointers that the patch puts into `.lockstep.callbacks.<kind>` sections name its callbacks. */
function findCallbacks(after: Side, chunks: readonly Chunk[], carrier: Carrier): LivepatchCallback[] {
  return chunks.flatMap((chunk) => {
    const kind = callbackSection.exec(chunk.section.name)?.[1] as LivepatchCallback['kind'] | undefined;
    if (kind === undefined) return [];
    return after.reader.referencesOf(chunk).flatMap(({ target }): LivepatchCallback[] => {
      return target.kind === 'chunk' && target.chunk.kind === 'function'
        ? [{ kind, piece: carrier.carryCode(target.chunk) }]
        : [];
    });
  });
}

/** Local functions and variables that reach the linked kernel: they tell its `core.c` from another. */
function localNames({ elf, roles }: ObjectModel): string[] {
  const { symbols, sectionTable } = elf;
  const found: string[] = [];
  for (let symbol = 1; symbol < symbols.firstGlobal; symbol++) {
    const type = symbols.type(symbol);
    if ((type !== symbolType.function && type !== symbolType.object) || !symbols.isDefined(symbol)) continue;
    const section = symbols.section(symbol);
    const stays = roles[section] === 'code' || roles[section] === 'data';
    if (stays && !isInitSection(sectionTable.name(section))) found.push(symbols.name(symbol));
  }
  return found;
}
