// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { describeReason, diffObjects, type ObjectDiff } from '@lockstep/domain/object-diff';
import { compilePair, compilers, fixtureNames, fixtureTables, type Compiler } from './index';

const diffOf = (name: string, compiler: Compiler = 'gcc'): ObjectDiff =>
  diffObjects({ ...compilePair(name, compiler), objectPath: `${name}.o`, tables: fixtureTables });

const changedIn = (diff: ObjectDiff) => diff.functions.map(({ symbol }) => symbol.name);
const kernelNames = (diff: ObjectDiff) => diff.kernelSymbols.map(({ name }) => name);
const textOf = (diff: ObjectDiff) =>
  diff.pieces
    .filter(({ section }) => section === '.rodata')
    .map(({ bytes }) => new TextDecoder().decode(bytes).replace(/\0$/, ''));

function refusalOf(name: string): LockstepError {
  try {
    diffOf(name);
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
  throw new Error(`${name} was not refused`);
}

describe.each(compilers)('an object against itself, %s', (compiler) => {
  test.each(fixtureNames())('%s: no change', (name) => {
    const pair = compilePair(name, compiler);
    for (const bytes of [pair.original, pair.patched]) {
      const diff = diffObjects({ original: bytes, patched: bytes, objectPath: name, tables: fixtureTables });
      expect(changedIn(diff)).toEqual([]);
      expect(diff.newFunctions).toEqual([]);
    }
  });
});

describe.each(compilers)('what whole sections prove is what a closer look finds, %s', (compiler) => {
  test.each(fixtureNames())('%s', (name) => {
    const outcome = (thorough: boolean) => {
      try {
        return diffObjects({ ...compilePair(name, compiler), objectPath: name, tables: fixtureTables, thorough });
      } catch (error) {
        return error;
      }
    };
    expect(outcome(false)).toEqual(outcome(true));
  });
});

/** clang makes no clones of functions here. */
const nameBy = (compiler: Compiler, name: string): string =>
  compiler === 'gcc' ? name : name.replace(/\.constprop\.\d+$/, '');

describe.each(compilers)('exactly the changed functions, %s', (compiler) => {
  test.each<[string, string[], string[]]>([
    ['one-constant', ['work'], []],
    ['moved-lines', ['user'], ['added']],
    ['assertion-lines', ['prints'], []],
    ['ubsan-lines', ['changed'], []],
    ['line-is-data', ['work'], []],
    ['line-other-register', ['work'], []],
    ['string-changed', ['hello'], []],
    ['static-locals', ['first'], []],
    ['new-parts', ['work'], ['helper']],
    ['cold-part', ['work'], []],
    ['cold-part-aliased', ['entry'], []],
    ['clones', [], ['extra.constprop.0', 'use_extra']],
    ['clone-renumbered', ['scale.constprop.16'], []],
    ['namespace-imported', ['work'], []],
    ['unlisted-ftrace-call', ['work'], []],
    ['shared-section', ['work'], []],
    ['bug-flags', ['work'], []],
    ['sites', ['jump', 'fixup', 'alternative', 'quiet_alternative'], []],
    ['alternatives-elsewhere', ['calls_thunk', 'turned_off'], []],
    ['callbacks', ['work'], ['prepare']],
    ['packed-variables', ['work'], []],
    ['weak', ['replaceable'], []],
    ['global-definer', [], ['shared_helper']],
    ['inline-copy', ['direct', 'work'], ['step', 'twice']],
    ['function-statics', ['work'], ['added']],
    ['module-info', ['work'], []],
    ['type-ids', ['work'], []],
    ['widened-definer', [], []],
    ['only-callbacks', [], ['prepare']],
    ['switch-tables', ['local', 'values', 'work'], ['added']],
    ['listed-sites', ['quiet_paravirt', 'quiet_static_call', 'work'], []],
  ])('%s', (name, changed, added) => {
    const diff = diffOf(name, compiler);
    expect(changedIn(diff).sort()).toEqual([...changed].sort());
    expect([...diff.newFunctions].sort()).toEqual(added.map((added) => nameBy(compiler, added)).sort());
  });
});

describe('what goes along', () => {
  test('strings of changed functions, as copies', () => {
    expect(textOf(diffOf('string-changed')).sort()).toEqual(['hullo', 'shared']);
  });

  test('static locals stay those of the running kernel; new ones are carried', () => {
    const diff = diffOf('static-locals');
    const original = diff.localNames.filter((name) => name.startsWith('count'));
    expect(original).toHaveLength(2);
    expect(kernelNames(diff).filter((name) => name.startsWith('count'))).toHaveLength(1);
    const carried = diff.pieces.flatMap(({ symbol }) => (symbol?.type === 'object' ? [symbol.name] : []));
    expect(carried.map((name) => name.replace(/\.\d+$/, '')).sort()).toEqual(['added', 'other_added']);
  });

  test.each(compilers)('%s: statics that macros make for a function, as copies', (compiler) => {
    const diff = diffOf('function-statics', compiler);
    const own = /(__UNIQUE_ID_ddebug|__already_done|__key)/;
    expect(kernelNames(diff).filter((name) => own.test(name))).toEqual([]);
    const descriptors = diff.pieces.filter(({ section }) => section === '__dyndbg');
    expect(descriptors.map(({ sizeBytes }) => sizeBytes)).toEqual([56, 56, 56]);
  });

  test.each(compilers)('%s: an entry of each table of sites, but for the seals of ENDBRs', (compiler) => {
    const diff = diffOf('listed-sites', compiler);
    const sizes = (table: string) =>
      diff.pieces.flatMap(({ section, bytes }) => (section === table ? [bytes.length] : []));
    // work and the function whose entry alone differs. The last paravirt entry gets the padding that it lacked.
    expect(sizes('.parainstructions')).toEqual([16, 16]);
    expect(sizes('.static_call_sites')).toEqual([8, 8]);
    for (const table of ['.smp_locks', '.retpoline_sites', '.return_sites', '.call_sites', '.orc_unwind_ip']) {
      expect([table, sizes(table)]).toEqual([table, [4]]);
    }
    expect(sizes('.orc_unwind')).toEqual([6]);
    expect(sizes('.ibt_endbr_seal')).toEqual([]);
  });

  test('new variables with content and references; existing ones by name', () => {
    const diff = diffOf('new-parts');
    const sections = Object.fromEntries(diff.pieces.map(({ section, symbol }) => [symbol?.name ?? '', section]));
    expect(sections).toMatchObject({ work: '.text', helper: '.text', zeroed: '.bss' });
    expect(kernelNames(diff)).toEqual(expect.arrayContaining(['existing', 'other', '__fentry__']));
    const existing = diff.kernelSymbols.find(({ name }) => name === 'existing');
    expect(existing).toEqual({ name: 'existing', scope: 'local', weak: false, optional: false });
  });

  test('a cold part is carried with its function, and leads back into the carried copy', () => {
    const diff = diffOf('cold-part');
    const code = diff.pieces.flatMap(({ symbol, section }) => (section === '.text' ? [symbol?.name] : []));
    expect(code).toEqual(['work', 'work.cold']);
    expect(kernelNames(diff)).not.toContain('work');
    expect(textOf(diff)).toContain('negative number');
  });

  test('a branch that the assembler resolved inside a shared section leads to the running neighbour', () => {
    const diff = diffOf('shared-section');
    expect(kernelNames(diff)).toContain('neighbour');
    const work = diff.pieces[diff.functions[0]?.piece ?? -1];
    const index = kernelNames(diff).indexOf('neighbour');
    expect(work?.relocations).toContainEqual(
      expect.objectContaining({ target: { kind: 'kernel', symbol: index }, addend: -4 }),
    );
  });

  test.each(compilers)('%s: lists of type ids stay those of the kernel', (compiler) => {
    const diff = diffOf('type-ids', compiler);
    expect(kernelNames(diff)).toEqual(expect.arrayContaining(['socket_ids', 'task_ids']));
    expect(diff.pieces.filter(({ section }) => section.startsWith('.BTF'))).toEqual([]);
  });

  test('of packed variables, exactly the one that is meant', () => {
    const diff = diffOf('packed-variables');
    expect(kernelNames(diff)).toContain('one');
    expect(kernelNames(diff)).not.toContain('two');
  });

  test('table entries of the carried code, group by group', () => {
    const diff = diffOf('sites');
    const entries = diff.pieces.map(({ section, bytes }) => `${section} ${bytes.length}`);
    const count = (entry: string) => entries.filter((other) => other === entry).length;
    expect(count('__jump_table 16')).toBe(1);
    expect(count('__ex_table 12')).toBe(1);
    expect(count('.altinstructions 12')).toBe(2);
    expect(count('.altinstr_replacement 5')).toBe(2);
    expect(count('__mcount_loc 8')).toBe(4);
    // The fix-up snippet comes along and jumps back into the carried function.
    const snippet = diff.pieces.find(({ section, symbol }) => section === '.text' && symbol === null);
    const fixup = diff.functions.find(({ symbol }) => symbol.name === 'fixup')?.piece;
    expect(snippet?.relocations.map(({ target }) => target)).toEqual([{ kind: 'piece', piece: fixup }]);
    expect(kernelNames(diff)).toEqual(expect.arrayContaining(['outer_key', 'replacement']));
  });

  test('alternatives whose code is in another object, or that have none', () => {
    const diff = diffOf('alternatives-elsewhere');
    const entries = diff.pieces.filter(({ section }) => section === '.altinstructions');
    expect(entries.map(({ relocations }) => relocations.length)).toEqual([2, 1]);
    expect(kernelNames(diff)).toContain('thunk_alternative');
    expect(diff.pieces.map(({ section }) => section)).not.toContain('.altinstr_replacement');
  });

  test('callbacks are found and carried', () => {
    const diff = diffOf('callbacks');
    expect(diff.callbacks.map(({ kind }) => kind)).toEqual(['pre_patch']);
    expect(diff.pieces[diff.callbacks[0]?.piece ?? -1]?.symbol?.name).toBe('prepare');
  });

  test('weak: a definition that may not run, a symbol that may not exist', () => {
    const diff = diffOf('weak');
    expect(diff.functions[0]?.symbol.weak).toBe(true);
    expect(diff.kernelSymbols).toContainEqual({ name: 'maybe', scope: 'global', weak: false, optional: true });
  });

  test.each<[string, string, RegExp]>([
    ['line-is-data', 'work', /^at \+0x[0-9a-f]+ the number \d+ became \d+$/],
    ['string-changed', 'hello', /^at \+0x[0-9a-f]+ "hello" became "hullo"$/],
    ['bug-flags', 'work', /^__bug_table entry 1 differs$/],
    ['cold-part', 'work', /^cold part: at \+0x[0-9a-f]+ "\w.*" became "negative number"$/],
    ['inline-copy', 'direct', /^at \+0x[0-9a-f]+ it uses (step|twice), which changes and cannot be redirected itself$/],
    ['new-parts', 'work', /^size \d+ became \d+ bytes; at \+0x[0-9a-f]+ .* became .*$/],
  ])('why: %s', (name, changed, why) => {
    const found = diffOf(name).functions.find(({ symbol }) => symbol.name === changed);
    expect(found?.reasons.map(describeReason).join('; ')).toMatch(why);
    // Reasons are stored with the build.
    expect(JSON.parse(JSON.stringify(found?.reasons))).toEqual(found?.reasons);
  });
});

describe('refusals name the place and the way out', () => {
  test.each<[string, string, Record<string, string>]>([
    ['data-changed', 'data-changed', { variable: 'limits', section: '.data.limits' }],
    ['constant-changed', 'data-changed', { variable: 'limits' }],
    ['operations-changed', 'data-changed', { variable: 'operations' }],
    ['init-function', 'init-function', { function: 'setup', section: '.init.text' }],
    ['notrace-function', 'no-ftrace-entry', { function: 'work' }],
    ['notrace-in-data', 'no-ftrace-entry', { function: 'step' }],
    ['static-local-moved', 'ambiguous-static', { function: 'second' }],
    ['static-local-added', 'ambiguous-static', { function: 'work' }],
    ['registration', 'data-changed', { variable: '__param_size' }],
  ])('%s', (name, reason, fields) => {
    const refusal = refusalOf(name);
    expect({ kind: refusal.kind, reason: refusal.reason }).toEqual({ kind: 'refused', reason });
    expect(refusal.fields).toMatchObject({ object: `${name}.o`, ...fields });
    expect(refusal.fields['action']).toMatch(/\w{3}/);
  });

  test('of a parameter, what becomes of its file', () => {
    expect(refusalOf('registration').fields['action']).toMatch(/under \/sys\/module .*chmod/);
  });

  test('of a variable, whether a callback can set it: memory that is not written to is not offered for that', () => {
    expect(refusalOf('data-changed').fields['action']).toMatch(/set it from a pre-patch callback/);
    for (const name of ['constant-changed', 'operations-changed']) {
      expect(refusalOf(name).fields['action']).toMatch(/by a callback either.* use a new one of another name/);
    }
    expect(refusalOf('constant-changed').fields['action']).not.toMatch(/functions that it names/);
    expect(refusalOf('operations-changed').fields['action']).toMatch(/change the functions that it names/);
  });

  test('whether one function has no ftrace entry, or its whole file', () => {
    expect(refusalOf('notrace-function').fields['action']).toMatch(/inline, notrace, noinstr and assembly/);
    expect(refusalOf('notrace-in-data').fields['action']).toMatch(/the whole file compiled without ftrace/);
  });

  test('functions that tasks sleep in are told, with what they call', () => {
    const { sleepers, functions } = diffOf('sleepers');
    expect(functions).toHaveLength(6);
    const found = sleepers.map(({ name, through }) => [name, ...through].join(' > ')).sort();
    expect(found).toEqual([
      'schedule',
      'wait_for_it > wait_queue > schedule',
      'wait_queue > schedule',
      'with_limit > schedule_timeout',
    ]);
  });

  test('an export that is gone, by its name; one that is new is told, and left out', () => {
    const { original, patched } = compilePair('new-export');
    const pair = { objectPath: 'x.o', tables: fixtureTables };
    expect(diffObjects({ ...pair, original, patched })).toMatchObject({ functions: [], newExports: ['added'] });
    expect(() => diffObjects({ ...pair, original: patched, patched: original })).toThrow(
      expect.objectContaining({ reason: 'export-changed', fields: expect.objectContaining({ function: 'added' }) }),
    );
  });

  // clang's name of a static local says whose it is, but not which of two in one function.
  test('of two statics of one function, clang', () => {
    expect(() => diffOf('static-local-added', 'clang-14')).toThrow(
      expect.objectContaining({ reason: 'ambiguous-static' }),
    );
    // Moved to another function, it would begin anew.
    expect(() => diffOf('static-local-moved', 'clang-14')).toThrow(expect.objectContaining({ reason: 'state-lost' }));
  });

  test('files that are no relocatable x86_64 objects', () => {
    const { original } = compilePair('one-constant');
    const broken = original.slice(0, 100);
    const diff = (patched: Uint8Array) => () =>
      diffObjects({ original, patched, objectPath: 'x.o', tables: fixtureTables });
    expect(diff(broken)).toThrow(expect.objectContaining({ reason: 'malformed-elf' }));
    const foreign = original.slice();
    foreign[18] = 3;
    expect(diff(foreign)).toThrow(/e_machine/);
  });
});
