// SPDX-License-Identifier: GPL-2.0-only
import { parseElf, sectionType, type ElfFile } from '@lockstep/domain/elf';
import { Carrier, coldParent } from './carry';
import { describeDifference, type ChangeReason } from './change-reason';
import { readCodeTables } from './code-tables';
import { Comparison, isComparedByContent, type Side } from './compare';
import { correlate, withoutPairs, type Correlation } from './correlate';
import type { ChangedFunction, LivepatchCallback, ObjectDiff, ObjectPair } from './object-diff';
import { buildObjectModel, type Chunk } from './object-model';
import { ReferenceReader } from './references';
import { differRefusal } from './refusal';
import { isInitSection } from './section-roles';
import type { TableLayouts } from './table-layouts';

/**
 * Finds the functions that differ between two builds of one object, and all that a livepatch of them must bring along.
 * Near-linear in the objects' size. An object that does not differ gives no functions and no pieces.
 * @throws LockstepError `invalid-input` (malformed ELF), `refused` with object, function or variable, section, action
 */
export function diffObjects({ original, patched, objectPath, tables }: ObjectPair): ObjectDiff {
  const before = openSide(original, objectPath, tables);
  const after = openSide(patched, `${objectPath} (patched)`, tables);
  const { correlation, comparison, changed, absorbed } = compareAll(before, after, tables);
  const carrier = new Carrier(objectPath, after, correlation);
  const changes = [...changed].sort(([a], [b]) => a.id - b.id);
  for (const [chunk] of changes) checkPatchable(objectPath, before, chunk);
  checkData(objectPath, before, correlation, comparison, absorbed);
  checkRegistrations(objectPath, before, after, correlation, comparison);
  // All pieces first: places inside changed functions are those of the carried copies.
  const functions = changes.map(([chunk, reasons]): ChangedFunction => {
    const piece = carrier.carryCode(correlation.toPatched.get(chunk.id) as Chunk);
    return { symbol: carrier.kernelSymbolOf(chunk), piece, reasons };
  });
  for (const chunk of after.reader.model.chunks) {
    const isNewGlobal = chunk.scope === 'global' && !correlation.toOriginal.has(chunk.id);
    if (chunk.kind === 'function' && isNewGlobal && !isInitSection(chunk.section.name)) carrier.carryCode(chunk);
    else if (chunk.kind === 'data' && chunk.role === 'data' && isNewGlobal && !isInitSection(chunk.section.name)) {
      carrier.carryData(chunk);
    }
  }
  const callbacks = findCallbacks(after, carrier);
  return {
    objectPath,
    fileName: before.reader.model.fileName,
    localNames: localNames(before),
    functions,
    newFunctions: carrier.newFunctions,
    newGlobals: carrier.newGlobals,
    pieces: carrier.pieces,
    kernelSymbols: carrier.kernelSymbols,
    callbacks,
  };
}

function openSide(bytes: Uint8Array, name: string, layouts: TableLayouts): Side {
  const elf = parseElf(bytes, name);
  checkKind(elf);
  const reader = new ReferenceReader(buildObjectModel(elf));
  return { reader, tables: readCodeTables(reader, layouts) };
}

function checkKind(elf: ElfFile): void {
  const odd = elf.sections.find(({ type }) => type === sectionType.rel || type === sectionType.group);
  if (elf.kind === 'relocatable' && odd === undefined) return;
  throw differRefusal(
    'unsupported-object',
    odd === undefined ? `it is ${elf.kind}.` : `${odd.name} is of a kind not handled.`,
    {
      object: elf.name,
      ...(odd === undefined ? {} : { section: odd.name }),
      action: 'give the relocatable object as the kernel build makes it (x86_64, RELA, no section groups)',
    },
  );
}

/**
 * Compares all functions. A changed local function without an ftrace entry (out-of-line copies of inlines are notrace)
 * cannot be redirected, but all its callers are here: it counts as replaced by a new function, which changes them.
 */
function compareAll(before: Side, after: Side, tables: TableLayouts) {
  let correlation = correlate(before.reader, after.reader);
  const absorbed = new Set<Chunk>();
  for (;;) {
    const comparison = new Comparison(before, after, correlation, tables);
    const changed = findChangedFunctions(before, correlation, comparison);
    const found = [...changed.keys()].filter(
      (chunk) => chunk.scope === 'local' && !isInitSection(chunk.section.name) && !hasFtraceSite(before, chunk),
    );
    if (found.length === 0) return { correlation, comparison, changed, absorbed };
    for (const chunk of found) absorbed.add(chunk);
    correlation = withoutPairs(correlation, found);
  }
}

/** Original chunks of changed functions with the reasons. A changed cold part changes its function. */
function findChangedFunctions(
  before: Side,
  correlation: Correlation,
  comparison: Comparison,
): Map<Chunk, ChangeReason[]> {
  const changed = new Map<Chunk, ChangeReason[]>();
  const { model } = before.reader;
  for (const chunk of model.chunks) {
    const twin = correlation.toPatched.get(chunk.id);
    if (chunk.kind !== 'function' || twin === undefined) continue;
    const differences = comparison.functionDifferences(chunk, twin);
    if (differences.length === 0) continue;
    const parent = coldParent(chunk.name);
    const owner = parent === null ? chunk : model.byName.get(parent);
    if (owner === undefined || !correlation.toPatched.has(owner.id)) continue;
    const part = owner === chunk ? 'function' : 'cold';
    const reasons = differences.map((difference): ChangeReason => ({ part, difference }));
    changed.set(owner, [...(changed.get(owner) ?? []), ...reasons]);
  }
  return changed;
}

/** How far after its start a function's ftrace site may lie: endbr64 and a call. */
const maxFtraceSiteOffset = 16;

function hasFtraceSite(side: Side, chunk: Chunk): boolean {
  return side.tables.entriesOf(chunk).some(({ table, references }) => {
    const place = references[0]?.target.place ?? maxFtraceSiteOffset;
    return (table === '__mcount_loc' || table === '__patchable_function_entries') && place < maxFtraceSiteOffset;
  });
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
  if (!hasFtraceSite(before, chunk)) throw noFtraceEntry(objectPath, chunk, 'other objects may call it');
}

function noFtraceEntry(objectPath: string, { name, section }: Chunk, why: string) {
  return differRefusal('no-ftrace-entry', `${name} differs and has no ftrace entry to redirect it by; ${why}.`, {
    object: objectPath,
    function: name,
    section: section.name,
    action: 'make the change in the functions that call it (notrace, noinstr and assembly cannot be livepatched)',
  });
}

/** Refuses changes to variables and to what is registered at boot or module load: they run with their old content. */
function checkData(
  objectPath: string,
  before: Side,
  correlation: Correlation,
  comparison: Comparison,
  absorbed: ReadonlySet<Chunk>,
): void {
  for (const chunk of before.reader.model.chunks) {
    const twin = correlation.toPatched.get(chunk.id);
    if (chunk.kind !== 'data' || twin === undefined) continue;
    const isZero = chunk.section.type === sectionType.nobits && twin.section.type === sectionType.nobits;
    const sameSize = chunk.end - chunk.start === twin.end - twin.start;
    const difference = isZero && sameSize ? null : comparison.chunkDifference(chunk, twin);
    if (difference === null) continue;
    const targets = before.reader
      .referencesOf(chunk)
      .map(({ target }) => (target.kind === 'chunk' ? target.chunk : null));
    const pointedAt = targets.find((target) => target !== null && absorbed.has(target));
    if (pointedAt) throw noFtraceEntry(objectPath, pointedAt, `${chunk.name} points at it`);
    throw differRefusal('data-changed', `the content of ${chunk.name} changes (${describeDifference(difference)}).`, {
      object: objectPath,
      variable: chunk.name,
      section: chunk.section.name,
      action:
        'leave the variable as it is and set it from a pre-patch callback, or use a new variable or shadow variables',
    });
  }
}

function checkRegistrations(
  objectPath: string,
  before: Side,
  after: Side,
  correlation: Correlation,
  comparison: Comparison,
): void {
  const oldOnes = registrations(before, (chunk) => correlation.toPatched.has(chunk.id));
  const newOnes = registrations(after, (chunk) => correlation.toOriginal.has(chunk.id));
  for (const section of new Set([...oldOnes.keys(), ...newOnes.keys()])) {
    const old = oldOnes.get(section) ?? [];
    const now = newOnes.get(section) ?? [];
    const same =
      old.length === now.length &&
      old.every((chunk, index) => comparison.chunkDifference(chunk, now[index] as Chunk) === null);
    if (same) continue;
    throw differRefusal('registration-changed', `what ${section} registers changes.`, {
      object: objectPath,
      section,
      action: 'leave out what is only read at boot or at module load (parameters, exports, tracepoints, initcalls)',
    });
  }
}

/** Registered content that no name pairs, by section. */
function registrations(side: Side, isPaired: (chunk: Chunk) => boolean): Map<string, Chunk[]> {
  const bySection = new Map<string, Chunk[]>();
  for (const chunk of side.reader.model.chunks) {
    if (chunk.role !== 'registration' || (isPaired(chunk) && !isComparedByContent(chunk))) continue;
    const list = bySection.get(chunk.section.name);
    if (list === undefined) bySection.set(chunk.section.name, [chunk]);
    else list.push(chunk);
  }
  return bySection;
}

const callbackSection = /^\.(?:lockstep|kpatch)\.callbacks\.(pre_patch|post_patch|pre_unpatch|post_unpatch)$/;

/** Pointers that the patch puts into `.lockstep.callbacks.<kind>` sections name its callbacks. */
function findCallbacks(after: Side, carrier: Carrier): LivepatchCallback[] {
  return after.reader.model.chunks.flatMap((chunk) => {
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
function localNames(before: Side): string[] {
  return before.reader.model.chunks
    .filter(({ scope, names, role }) => scope === 'local' && names.length > 0 && (role === 'code' || role === 'data'))
    .map(({ name }) => name);
}
