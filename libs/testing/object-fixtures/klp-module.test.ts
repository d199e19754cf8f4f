// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { parseElf, readNotes } from '@lockstep/domain/elf';
import {
  parseKernelFacts,
  serialiseKernelFacts,
  readLivepatchModule,
  writeLivepatchModule,
  type KernelFacts,
  type KernelSymbolTable,
} from '@lockstep/domain/klp-module';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { diffObjects } from '@lockstep/domain/object-diff';
import { bytesOfNamed, compilePair, fixtureKernel, fixtureTables, readModule, symbolTable } from './index';

const moduleName = parseModuleName('lockstep_fixture');
const patchId = parsePatchId('5a'.repeat(32));
const diff = (name: string) => diffObjects({ ...compilePair(name), objectPath: `${name}.o`, tables: fixtureTables });

const always = { klp_enable_patch: {}, __fentry__: {} };
/** A kernel in which one-constant.c is linked in, and `work` is the second of two. */
const plain = fixtureKernel({
  symbols: symbolTable(
    ['else.c', 'one-constant.c'],
    [
      { name: 'work', file: 0 },
      { name: 'untouched', file: null },
      { name: 'work', file: null },
      { name: 'other', file: null },
    ],
  ),
  exports: always,
});

const write = (
  facts: KernelFacts,
  names: readonly string[],
  more: { moduleSymbols?: ReadonlyMap<string, KernelSymbolTable>; object?: string; replace?: boolean } = {},
) =>
  writeLivepatchModule({
    facts,
    diffs: names.map((name) => ({ object: more.object ?? 'vmlinux', diff: diff(name) })),
    moduleName,
    patchId,
    replace: more.replace ?? false,
    ...(more.moduleSymbols === undefined ? {} : { moduleSymbols: more.moduleSymbols }),
  });

describe('a module as kernel/livepatch reads it', () => {
  const module = write(plain, ['one-constant']);
  const read = readModule(module.bytes, plain);

  test('names the changed function and its place among namesakes, and points at the new code', () => {
    expect(read.functions).toEqual(['vmlinux work,2 -> work']);
    expect(module.functions).toEqual([{ object: 'vmlinux', name: 'work', sympos: 2 }]);
    expect(read.replace).toBe(false);
    expect(readModule(write(plain, ['one-constant'], { replace: true }).bytes, plain).replace).toBe(true);
  });

  test('links what is exported, and leaves the rest to livepatch relocations', () => {
    expect([...read.undefinedNames].sort()).toEqual(['__fentry__', 'klp_enable_patch']);
    expect(read.livepatchRelocations).toEqual(['.klp.rela.vmlinux..text: .klp.sym.vmlinux.other,0']);
  });

  test('carries its own name, the glue, the licence and the patch id', () => {
    expect(read.modinfo[0]).toBe('name=lockstep_fixture');
    expect(read.modinfo.slice(1).sort()).toEqual(['license=GPL', 'livepatch=Y']);
    const self = new TextDecoder().decode(bytesOfNamed(read.elf, '.gnu.linkonce.this_module').subarray(8, 64));
    expect(self.replace(/\0+$/, '')).toBe('lockstep_fixture');
    const [note] = readNotes(read.elf);
    expect([note?.owner, note?.description.length, note?.description[0]]).toEqual(['Lockstep', 32, 0x5a]);
  });

  test('has no section name twice: sysfs shows each', () => {
    expect(new Set(read.sectionNames).size).toBe(read.sectionNames.length);
  });

  test('has zeros wherever a relocation is written', () => {
    const text = read.elf.sections.find(({ name }) => name === '.text')!;
    const table = read.elf.relocationsOf(text)!;
    const bytes = read.elf.bytesOf(text);
    for (let rank = 0; rank < table.count; rank++) {
      expect([...bytes.subarray(table.offset(rank), table.offset(rank) + 4)]).toEqual([0, 0, 0, 0]);
    }
  });

  test('is the same bytes every time', () => {
    expect(write(plain, ['one-constant']).bytes).toEqual(module.bytes);
  });
});

describe('which symbol is meant', () => {
  const workIn = (files: readonly string[], extra: Parameters<typeof symbolTable>[1] = []) =>
    fixtureKernel({
      symbols: symbolTable(files, [
        { name: 'existing', file: 0, kind: 'object' },
        { name: 'existing', file: 1, kind: 'object' },
        { name: 'work', file: null },
        { name: 'other', file: null },
        ...extra,
      ]),
      exports: { ...always, other: {} },
    });

  test('a local one is that of its own source file', () => {
    const read = readModule(write(workIn(['else.c', 'new-parts.c']), ['new-parts']).bytes, plain);
    expect(read.livepatchRelocations.map((line) => line.replace(/^.*: /, ''))).toContain('.klp.sym.vmlinux.existing,2');
  });

  test('of two source files of one name, the one that has all of the object', () => {
    const facts = fixtureKernel({
      symbols: symbolTable(
        ['static-locals.c', 'static-locals.c'],
        [
          ...[0, 1].flatMap((file) =>
            diff('static-locals')
              .localNames.slice(file === 0 ? 1 : 0)
              .map((name) => ({ name, file, kind: 'object' as const })),
          ),
          { name: 'first', file: null },
          { name: 'second', file: null },
        ],
      ),
      exports: { ...always, other: {} },
    });
    const counts = diff('static-locals').localNames;
    expect(counts).toHaveLength(2);
    const read = readModule(write(facts, ['static-locals']).bytes, facts);
    const used = read.livepatchRelocations.map((line) => line.replace(/^.*: /, ''));
    expect(used).toHaveLength(1);
    expect(used[0]).toMatch(/^\.klp\.sym\.vmlinux\.count\.\d+,[02]$/);
  });

  test('two source files that cannot be told apart are refused', () => {
    expect(() => write(workIn(['new-parts.c', 'new-parts.c']), ['new-parts'])).toThrow(
      expect.objectContaining({ reason: 'ambiguous-symbol' }),
    );
  });

  test('a weak definition that another one overrides is refused', () => {
    const kernel = (weak: boolean) =>
      fixtureKernel({
        symbols: symbolTable(['weak.c'], [{ name: 'replaceable', file: null, weak }]),
        exports: { ...always, other: {} },
      });
    expect(() => write(kernel(false), ['weak'])).toThrow(expect.objectContaining({ reason: 'function-not-running' }));
    const read = readModule(write(kernel(true), ['weak']).bytes, plain);
    expect(read.functions).toEqual(['vmlinux replaceable,0 -> replaceable']);
    // Nothing is called maybe: a weak undefined symbol stays, and is null.
    expect(read.undefinedNames).toContain('maybe');
  });

  test('a symbol that the kernel does not have is refused', () => {
    const facts = fixtureKernel({ symbols: symbolTable([], [{ name: 'work', file: null }]), exports: always });
    expect(() => write(facts, ['one-constant'])).toThrow(
      expect.objectContaining({ reason: 'unknown-symbol', fields: expect.objectContaining({ function: 'other' }) }),
    );
  });

  test('a patch that changes no function is refused', () => {
    expect(() => write(plain, [])).toThrow(expect.objectContaining({ reason: 'no-function-changed' }));
  });
});

describe('what kernels ask of modules', () => {
  const symbols = symbolTable(['one-constant.c'], [{ name: 'work', file: null }]);

  test('namespaces are imported', () => {
    const facts = fixtureKernel({ symbols, exports: { ...always, other: { namespace: 'DEEP' } } });
    expect(readModule(write(facts, ['one-constant']).bytes, facts).modinfo).toContain('import_ns=DEEP');
  });

  test('with MODVERSIONS, a CRC for the module layout and each linked symbol', () => {
    const facts = fixtureKernel({ symbols, exports: { ...always, module_layout: {}, other: {} }, modversions: true });
    const bytes = bytesOfNamed(parseElf(write(facts, ['one-constant']).bytes, 'm.ko'), '__versions');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const rows = Array.from({ length: bytes.length / 64 }, (_, row) => [
      new TextDecoder().decode(bytes.subarray(row * 64 + 8, row * 64 + 64)).replace(/\0+$/, ''),
      view.getUint32(row * 64, true),
    ]);
    expect(rows[0]).toEqual(['module_layout', facts.exports.get('module_layout')?.crc]);
    expect(rows.map(([name]) => name).sort()).toEqual(['__fentry__', 'klp_enable_patch', 'module_layout', 'other']);
    for (const [name, crc] of rows) expect(crc).toBe(facts.exports.get(String(name))?.crc);
  });
});

describe('functions of modules', () => {
  const facts = fixtureKernel({
    symbols: symbolTable([], []),
    exports: { ...always, outer_key: {}, other: { owner: 'drivers/base/helper-mod' } },
  });
  const symbolsOf = (...names: string[]) =>
    new Map([
      [
        'driver',
        symbolTable(
          [],
          names.map((name) => ({ name, file: null })),
        ),
      ],
    ]);

  test('are found in the module, and wait for it and for what it depends on', () => {
    const module = write(facts, ['one-constant'], { object: 'driver', moduleSymbols: symbolsOf('work', 'untouched') });
    const read = readModule(module.bytes, facts);
    expect(read.functions).toEqual(['driver work,0 -> work']);
    expect(read.livepatchRelocations).toEqual(['.klp.rela.driver..text: .klp.sym.helper_mod.other,0']);
  });

  test('what only the kernel itself has is looked up there, exported or not, also among namesakes', () => {
    const symbols = symbolTable(
      ['else.c'],
      [
        { name: 'other', file: 0 },
        { name: 'other', file: null },
      ],
    );
    const kernel = fixtureKernel({ symbols, exports: always });
    const module = write(kernel, ['one-constant'], { object: 'driver', moduleSymbols: symbolsOf('work', 'untouched') });
    expect(readModule(module.bytes, kernel).livepatchRelocations).toEqual([
      '.klp.rela.vmlinux..text: .klp.sym.vmlinux.other,2',
    ]);
  });

  test('what neither has is refused', () => {
    const kernel = fixtureKernel({ symbols: symbolTable([], []), exports: always });
    const symbols = symbolsOf('work', 'untouched');
    expect(() => write(kernel, ['one-constant'], { object: 'driver', moduleSymbols: symbols })).toThrow(
      expect.objectContaining({ reason: 'unknown-symbol' }),
    );
  });

  test('without the module’s symbols: refused', () => {
    expect(() => write(facts, ['one-constant'], { object: 'driver' })).toThrow(
      expect.objectContaining({ reason: 'module-symbols-missing' }),
    );
  });

  test('a static key that comes only with the module is refused: the jump table is read before', () => {
    const names = ['jump', 'fixup', 'alternative', 'quiet_alternative', 'outer_key', 'replacement'];
    expect(() => write(facts, ['sites'], { object: 'driver', moduleSymbols: symbolsOf(...names) })).toThrow(
      expect.objectContaining({ reason: 'needed-before-module' }),
    );
  });

  test('a static call goes through its trampoline, and a tracepoint stays silent, where the module has their keys', () => {
    const [tracepoint, key, trampoline] = ['__tracepoint_hook', '__SCK__step', '__SCT__step'];
    const names = ['work', tracepoint, key, trampoline, 'trace_hook'];
    const module = write(facts, ['module-sites'], { object: 'driver', moduleSymbols: symbolsOf(...names) });
    const read = readModule(module.bytes, facts);
    expect(read.sectionNames.filter((name) => ['__jump_table', '.static_call_sites'].includes(name))).toEqual([]);
    expect(read.livepatchRelocations).toContain(`.klp.rela.driver..text: .klp.sym.driver.${trampoline},0`);
    expect(module.remarks).toEqual(['tracepoint hook stays silent in the patched functions of module driver']);
  });

  test('keys of the kernel itself are there in time', () => {
    const keys = { __tracepoint_hook: {}, __SCK__step: {}, __SCT__step: {}, trace_hook: {} };
    const kernel = fixtureKernel({ symbols: symbolTable([], []), exports: { ...always, ...keys, other: {} } });
    const module = write(kernel, ['module-sites'], { object: 'driver', moduleSymbols: symbolsOf('work') });
    expect(readModule(module.bytes, kernel).sectionNames).toEqual(
      expect.arrayContaining(['__jump_table', '.static_call_sites']),
    );
    expect(module.remarks).toEqual([]);
  });
});

describe('callbacks and new symbols', () => {
  test('one object may use what another of the same patch brings along', () => {
    const names = [
      { name: 'existing', file: null },
      { name: 'work', file: null },
    ];
    const facts = fixtureKernel({ symbols: symbolTable([], names), exports: { ...always, other: {} } });
    const read = readModule(write(facts, ['global-user', 'global-definer']).bytes, facts);
    expect(read.functions).toEqual(['vmlinux work,0 -> work']);
    expect(read.livepatchRelocations).toEqual([]);
    expect([...read.undefinedNames].sort()).toEqual(['__fentry__', 'klp_enable_patch', 'other']);
    expect(() => write(facts, ['global-user'])).toThrow(expect.objectContaining({ reason: 'unknown-symbol' }));
  });

  test('one object may use what only another one had', () => {
    const names = [
      { name: 'narrow', file: 0 },
      { name: 'narrow', file: 1 },
      { name: 'narrow_limit', file: 1, kind: 'object' as const },
      { name: 'existing', file: null },
      { name: 'pointer', file: null, kind: 'object' as const },
      { name: 'work', file: null },
    ];
    const files = ['else.c', 'widened-definer.c'];
    const facts = fixtureKernel({ symbols: symbolTable(files, names), exports: { ...always, other: {} } });
    const read = readModule(write(facts, ['widened-user', 'widened-definer']).bytes, facts);
    expect(read.functions).toEqual(['vmlinux work,0 -> work']);
    expect([...read.livepatchRelocations].sort()).toEqual([
      '.klp.rela.vmlinux..text: .klp.sym.vmlinux.narrow,2',
      '.klp.rela.vmlinux..text: .klp.sym.vmlinux.narrow_limit,0',
    ]);
    expect(() => write(facts, ['widened-user'])).toThrow(expect.objectContaining({ reason: 'unknown-symbol' }));
  });

  test('so may one of a module what only an object of vmlinux had', () => {
    const kernelNames = [
      { name: 'narrow', file: 0 },
      { name: 'narrow_limit', file: 0, kind: 'object' as const },
    ];
    const facts = fixtureKernel({
      symbols: symbolTable(['widened-definer.c'], kernelNames),
      exports: { ...always, other: {} },
    });
    const ofDriver = [
      { name: 'existing', file: null },
      { name: 'pointer', file: null },
      { name: 'work', file: null },
    ];
    const written = (...definers: readonly string[]) =>
      writeLivepatchModule({
        facts,
        diffs: [
          { object: 'driver', diff: diff('widened-user') },
          ...definers.map((name) => ({ object: 'vmlinux', diff: diff(name) })),
        ],
        moduleName,
        patchId,
        replace: false,
        moduleSymbols: new Map([['driver', symbolTable([], ofDriver)]]),
      });
    const read = readModule(written('widened-definer').bytes, facts);
    expect([...read.livepatchRelocations].sort()).toEqual([
      '.klp.rela.vmlinux..text: .klp.sym.vmlinux.narrow,0',
      '.klp.rela.vmlinux..text: .klp.sym.vmlinux.narrow_limit,0',
    ]);
    expect(() => written()).toThrow(/narrow\w*, which neither driver nor vmlinux has/);
  });

  test('a new function of a name that runs already is refused: nobody would call it', () => {
    const names = ['existing', 'work', 'shared_helper'].map((name) => ({ name, file: null }));
    const facts = fixtureKernel({ symbols: symbolTable([], names), exports: { ...always, other: {} } });
    expect(() => write(facts, ['global-user', 'global-definer'])).toThrow(
      expect.objectContaining({
        reason: 'moved-symbol',
        fields: expect.objectContaining({ object: 'global-definer.o', function: 'shared_helper' }),
      }),
    );
  });

  test('an object that has only callbacks has them', () => {
    const names = ['limits', 'work'].map((name) => ({ name, file: null }));
    const facts = fixtureKernel({ symbols: symbolTable([], names), exports: { ...always, other: {} } });
    const read = readModule(write(facts, ['one-constant', 'only-callbacks']).bytes, facts);
    expect(read.functions).toEqual(['vmlinux work,0 -> work']);
    expect(read.callbacks).toEqual(['vmlinux pre_patch prepare']);
    const driver = symbolTable([], [{ name: 'limits', file: null }]);
    const module = writeLivepatchModule({
      facts,
      diffs: [
        { object: 'vmlinux', diff: diff('one-constant') },
        { object: 'driver', diff: diff('only-callbacks') },
      ],
      moduleSymbols: new Map([['driver', driver]]),
      moduleName,
      patchId,
      replace: false,
    });
    expect(readModule(module.bytes, facts).callbacks).toEqual(['driver pre_patch prepare']);
    expect(module.functions).toEqual([{ object: 'vmlinux', name: 'work', sympos: 0 }]);
  });

  test('two callbacks of a kind for one object are refused, by the section', () => {
    const names = ['limits', 'work'].map((name) => ({ name, file: null }));
    const facts = fixtureKernel({ symbols: symbolTable([], names), exports: { ...always, other: {} } });
    expect(() => write(facts, ['callbacks', 'only-callbacks'])).toThrow(
      expect.objectContaining({
        reason: 'two-callbacks',
        fields: expect.objectContaining({ object: 'vmlinux', section: '.lockstep.callbacks.pre_patch' }),
      }),
    );
  });

  test('callbacks alone make a module, which says what they are and what they use', () => {
    const facts = fixtureKernel({
      symbols: symbolTable(['only-callbacks.c'], [{ name: 'limits', file: null, kind: 'object' }]),
      exports: { ...always },
    });
    const module = write(facts, ['only-callbacks']);
    expect(module.functions).toEqual([]);
    expect(module.callbacksOnly).toBe('it changes no function: pre_patch prepare() of vmlinux, using limits');
    expect(readModule(module.bytes, facts).callbacks).toEqual(['vmlinux pre_patch prepare']);
    expect(readLivepatchModule(module.bytes, 'x.ko')).toMatchObject({ functions: [], replace: false });
  });

  test('what the compiler has each function return through is nothing that callbacks use', () => {
    const [limits, thunk] = ['limits', '__x86_return_thunk'].map((name) => ({
      name,
      file: null,
      kind: 'object' as const,
    }));
    const facts = fixtureKernel({ symbols: symbolTable([], [limits!, thunk!]), exports: { ...always } });
    const { callbacksOnly } = write(facts, ['thunked-callbacks']);
    expect(callbacksOnly).toBe('it changes no function: pre_patch prepare() of vmlinux, using limits');
  });

  test('a callback is the object’s own', () => {
    const facts = fixtureKernel({
      symbols: symbolTable(['callbacks.c'], [{ name: 'work', file: null }]),
      exports: { ...always, other: {} },
    });
    expect(readModule(write(facts, ['callbacks']).bytes, facts).callbacks).toEqual(['vmlinux pre_patch prepare']);
  });
});

describe('kept facts', () => {
  test('are read as they were written', () => {
    expect(parseKernelFacts(serialiseKernelFacts(plain))).toEqual(plain);
  });

  test('damage is noticed', () => {
    const bytes = serialiseKernelFacts(plain);
    expect(() => parseKernelFacts(bytes.subarray(0, bytes.length - 1))).toThrow(/damaged/);
    expect(() => parseKernelFacts(bytes.subarray(0, 40))).toThrow(/damaged/);
    expect(() => parseKernelFacts(new Uint8Array(0))).toThrow(/damaged/);
  });
});
