// SPDX-License-Identifier: GPL-2.0-only
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { writeLivepatchModule } from '@lockstep/domain/klp-module';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { diffObjects } from '@lockstep/domain/object-diff';
import { compileC, fixtureKernel, fixtureTables, symbolTable } from './index';

const functions = [
  'copies',
  'parts',
  'points',
  'chooses',
  'lists',
  'reloads',
  'exchanges',
  'named',
  'waits',
  'polls',
  'harmless',
];
const called = [
  ...[
    'other',
    'call_rcu',
    'list_sort',
    'task_work_add',
    'netlink_dump_start',
    'iterate_dir',
    'prepare_to_wait',
    'synchronize_srcu',
  ],
  ...['mutex_lock', 'mutex_unlock', 'klp_enable_patch', '__fentry__', 'rcu_barrier', 'pv_ops'],
  ...['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'].map(
    (register) => `__x86_indirect_thunk_${register}`,
  ),
];

/** By function: why the module must stay. */
function reasonsBy(...flags: string[]): Map<string, string[]> {
  const source = join(__dirname, 'sources/kept-addresses.c');
  const [original, patched] = [compileC(source, ...flags), compileC(source, '-DPATCHED', ...flags)];
  const diff = diffObjects({ original, patched, objectPath: 'kept-addresses.o', tables: fixtureTables });
  const facts = fixtureKernel({
    symbols: symbolTable(
      [],
      functions.map((name) => ({ name, file: null })),
    ),
    exports: Object.fromEntries(called.map((name) => [name, {}])),
  });
  const { staysLoadedFor } = writeLivepatchModule({
    facts,
    diffs: [{ object: 'vmlinux', diff }],
    moduleName: parseModuleName('fixture'),
    patchId: parsePatchId('5a'.repeat(32)),
    replace: false,
  });
  const found = new Map<string, string[]>();
  for (const reason of staysLoadedFor) {
    const [by = ''] = reason.split(' ', 1);
    found.set(by, [...(found.get(by) ?? []), reason]);
  }
  return found;
}

const kernelCode = ['-mno-sse', '-mno-mmx', '-mno-avx'];

const guarded = '-O2 -mindirect-branch=thunk-extern -mindirect-branch-register';

test.each(['-O2', '-Os', guarded])('where addresses go that are kept: %s', (flags) => {
  const found = reasonsBy(...kernelCode, ...flags.split(' '));
  expect(found.get('copies')).toEqual(['copies gives a struct with the address of dumped to netlink_dump_start()']);
  expect(found.get('parts')).toEqual(['parts stores the address of one_way']);
  expect(found.get('points')).toEqual(['points stores the address of called_back']);
  expect(found.get('chooses')).toEqual(['chooses stores the address of chosen']);
  expect(found.get('reloads')).toEqual(['reloads stores the address of reloaded']);
  expect(found.get('exchanges')).toEqual(['exchanges stores the address of exchanged']);
  expect(found.get('named')).toEqual([
    expect.stringMatching(/^named stores the address of what names(\.\d+)? points at$/),
  ]);
  // The work that ends a grace period comes back to the domain.
  expect(found.get('waits')).toEqual([expect.stringMatching(/^waits gives domain(\.\d+)? to synchronize_srcu\(\)$/)]);
  expect(found.get('polls')).toEqual([
    expect.stringMatching(/^polls gives queue(\.\d+)? to a function that it calls through a pointer$/),
  ]);
  expect(found.get('harmless')).toBeUndefined();
  expect([...found.values()].flat().filter((reason) => reason.endsWith('listed'))).toHaveLength(2);
});

test('an address among constants that vector code loads is carried as one, and kept', () => {
  const reasons = [...reasonsBy().values()].flat();
  expect(reasons).toContain('a constant without a name holds the address of also_listed');
});
