// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { parseElf } from '@lockstep/domain/elf';
import { writeLivepatchModule, type LivepatchModule } from '@lockstep/domain/klp-module';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { diffObjects } from '@lockstep/domain/object-diff';
import { compilePair, fixtureKernel, fixtureTables, symbolTable } from './index';

const functions = [
  'waited',
  'sorted',
  'walked',
  'on_stack',
  'calls',
  'registered',
  'started',
  'repeated',
  'linked',
  'stored',
  'kept_operations',
  'chosen',
  'kept_name',
  'kept_line',
  'told',
  'counted',
];
const called = [
  ...['other', 'call_rcu', 'sort', 'walk_page_range', 'prepare_to_wait', 'queue_later'],
  ...['request_threaded_irq', '__percpu_counter_init'],
  ...['register_netdevice_notifier', 'kthread_create_on_node', 'klp_enable_patch', '__fentry__', 'rcu_barrier'],
];

function build(...flags: string[]): LivepatchModule {
  const facts = fixtureKernel({
    symbols: symbolTable(
      [],
      functions.map((name) => ({ name, file: null })),
    ),
    exports: Object.fromEntries(called.map((name) => [name, {}])),
  });
  const pair = compilePair('outliving', 'gcc', ...flags);
  const diff = diffObjects({ ...pair, objectPath: 'outliving.o', tables: fixtureTables });
  const [moduleName, patchId] = [parseModuleName('fixture'), parsePatchId('5a'.repeat(32))];
  return writeLivepatchModule({ facts, diffs: [{ object: 'vmlinux', diff }], moduleName, patchId, replace: false });
}

/** How many functions `__this_module` points at: init and, where the module may go, exit. */
function pointersOf({ bytes }: LivepatchModule): number {
  const elf = parseElf(bytes, 'fixture.ko');
  const section = elf.sections.find(({ name }) => name === '.gnu.linkonce.this_module');
  return section === undefined ? 0 : (elf.relocationsOf(section)?.count ?? 0);
}

describe('new functions whose address goes somewhere', () => {
  test('what is registered, started or stored keeps the module, and each is named', () => {
    const module = build();
    expect([...module.staysLoadedFor].sort()).toEqual([
      'again gives again to call_rcu(), again and again',
      'block holds the address of notified',
      'chosen returns the address of only_of_the_kernel',
      'counted gives counter to __percpu_counter_init()',
      'kept_line gives "a line" to request_threaded_irq()',
      'kept_name stores the address of "a name"',
      'kept_operations stores the address of only_of_the_kernel',
      'linked stores the address of linked_in',
      'registered gives block to register_netdevice_notifier()',
      'started gives threaded to kthread_create_on_node()',
      'stored stores the address of worked',
    ]);
    expect(module.remarks.filter((remark) => remark.includes('stays loaded until the next boot'))).toHaveLength(11);
  });

  test('such a module has no exit, so that the kernel does not let it go', () => {
    expect(pointersOf(build())).toBe(1);
  });

  test('what RCU calls is waited for; what is called at once, or from the own frame, is over', () => {
    const module = build('-DHARMLESS');
    expect(module.staysLoadedFor).toEqual([]);
    expect(pointersOf(module)).toBe(2);
  });
});
