// SPDX-License-Identifier: GPL-2.0-only
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { writeLivepatchModule, type LivepatchModule } from '@lockstep/domain/klp-module';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { diffObjects, type ObjectDiff } from '@lockstep/domain/object-diff';
import { compileC, compilePair, fixtureKernel, fixtureTables, symbolTable } from './index';

// What the kernel has counted, listed or locked is in its own variables, under their names.

const source = join(__dirname, 'sources', 'lost-state.c');

function diffOf(name: string): ObjectDiff {
  const [original, patched] = [compileC(source, `-D${name}`), compileC(source, `-D${name}`, '-DPATCHED')];
  return diffObjects({ original, patched, objectPath: `${name.toLowerCase()}.o`, tables: fixtureTables });
}

const named = (names: readonly string[]) => names.map((name) => ({ name, file: null }));

const facts = fixtureKernel({
  symbols: symbolTable(['lost-state.c'], [...named(['work', 'elsewhere', 'state']), { name: 'cache', file: 0 }]),
  exports: Object.fromEntries(['other', 'allocate', 'klp_enable_patch', '__fentry__'].map((name) => [name, {}])),
});

const write = (...names: string[]): LivepatchModule => writeModule(names, false);

const writeModule = (names: readonly string[], replace: boolean): LivepatchModule =>
  writeLivepatchModule({
    facts,
    diffs: names.map((name) => ({ object: 'vmlinux', diff: diffOf(name) })),
    moduleName: parseModuleName('state_fixture'),
    patchId: parsePatchId('5a'.repeat(32)),
    replace,
  });

describe('state that would begin anew', () => {
  test.each<[string, readonly string[], string]>([
    ['under another name', ['RENAMED'], 'renamed.o: total is new, where count is gone'],
    ['outside of its function', ['LEFT_FUNCTION'], 'left_function.o: count is moved'],
    ['inside of a function', ['INTO_FUNCTION'], 'into_function.o: count is moved'],
    ['sealed after the start', ['SEALED_RENAMED'], 'sealed_renamed.o: object_cache is new, where cache is gone'],
    ['in another file', ['FROM', 'TO'], 'to.o: counted is moved from from.o'],
  ])('%s: refused', (_, names, problem) => {
    expect(() => write(...names)).toThrow(
      expect.objectContaining({
        reason: 'state-lost',
        message: expect.stringContaining(`${problem}: new code would begin with what the source says`),
      }),
    );
  });

  test('where the old variable stays, the author means a new one', () => {
    const { functions, remarks } = write('KEPT');
    expect(functions.map(({ name }) => name)).toEqual(['work']);
    expect(remarks).toEqual([]);
  });

  test('a patch that takes the place of others does not go on with what they have', () => {
    expect(writeModule(['KEPT'], true).remarks).toEqual([
      "kept.o: total is a variable of the patch's own: what a livepatch that it takes the place of has under such a name is not gone on with",
    ]);
  });

  test('what there is for each processor is told, for it is not what there was for all', () => {
    expect(write('EACH_CPU').remarks).toEqual([
      'each_cpu.o: count is gone, and what the kernel has there stays with it: locks begins with what the source says',
    ]);
  });

  test('one that is neither of the name nor of the size is told', () => {
    expect(write('SPLIT').remarks).toEqual([
      'split.o: ring is gone, and what the kernel has there stays with it: head, tail begin with what the source says',
    ]);
  });
});

test('a variable that gets one more name is what it was', () => {
  const { pieces, kernelSymbols, newGlobals } = diffOf('ALIAS');
  expect(kernelSymbols.map(({ name }) => name)).toContain('state');
  expect(newGlobals).toEqual([]);
  expect(pieces.filter(({ symbol }) => symbol?.type === 'object')).toEqual([]);
});

test('so is a static function, whose users at the start are not taken for changed', () => {
  const { functions, newFunctions, newGlobals } = diffOf('FUNCTION_ALIAS');
  expect(functions.map(({ symbol }) => symbol.name)).toEqual(['called']);
  expect([newFunctions, newGlobals]).toEqual([[], []]);
});

test.each([['OVERRIDES'], ['OVERRIDES_BY_ALIAS']])(
  'a name that the kernel has from another object is no change of nothing: %s',
  (name) => {
    expect(() => write(name)).toThrow(
      expect.objectContaining({
        reason: 'moved-symbol',
        message: expect.stringContaining('elsewhere is new in it, and vmlinux has one from another object'),
      }),
    );
  },
);

test("state that a patch brings to a module is the patch's, however often the module is loaded", () => {
  const moduleSymbols = new Map([['carrier', symbolTable(['lost-state.c'], named(['work']))]]);
  const { remarks } = writeLivepatchModule({
    facts,
    diffs: [{ object: 'carrier', diff: diffOf('KEPT') }],
    moduleSymbols,
    moduleName: parseModuleName('state_fixture'),
    patchId: parsePatchId('5a'.repeat(32)),
    replace: false,
  });
  expect(remarks).toEqual([
    "kept.o: total is a variable of the patch's own, and not of module carrier: what is there stays when carrier is unloaded, and is not set anew when it is loaded again",
  ]);
});

test('a function that is replaced for want of an ftrace entry, or renamed, is told where its address was given away', () => {
  const pair = compilePair('old-address');
  const diff = diffObjects({ ...pair, objectPath: 'old-address.o', tables: fixtureTables });
  expect([...diff.newFunctions].sort()).toEqual(['counted_safely', 'given_away', 'only_called', 'woken_safely']);
  expect(diff.oldAddresses).toEqual(['given_away']);
  expect(diff.goneAddresses).toEqual(['woken']);
});

test('a function that is only added is told as that, not as nothing', () => {
  expect(() => write('ADDED')).toThrow(
    expect.objectContaining({
      reason: 'no-function-changed',
      message: expect.stringContaining('it only adds some (uncalled) that nothing of the running kernel calls'),
    }),
  );
});

test('what others find by its name no more is told, but what the start had and weak ones', () => {
  expect(diffOf('GONE').goneGlobals).toEqual(['hook']);
  expect(diffOf('HIDDEN').goneGlobals).toEqual(['hook']);
  expect(diffOf('REORDERED').goneGlobals).toEqual([]);
  expect(diffOf('KEPT').goneGlobals).toEqual([]);
});
