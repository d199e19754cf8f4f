// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import type { Obstacle } from '@lockstep/domain/livepatch-model';
import { hasGone, whyNotLoaded, type RefusalFacts } from './load-refusal';
import type { ModuleRules } from './module-rules';
import { functionsNamed, moduleName } from './tests/fake-kernel-tree';

const rules: ModuleRules = {
  modulesDisabled: false,
  ftraceDisabled: false,
  lockdown: undefined,
  signaturesEnforced: false,
  mayLoad: true,
};
const quiet: RefusalFacts = { rules, holders: [], switching: undefined };
const held: Obstacle = { kind: 'function-held', at: 'vmlinux:one', by: 'a kprobe' };

interface Case {
  readonly errno: number;
  readonly log?: readonly string[];
  readonly facts?: Partial<RefusalFacts>;
}

function why({ errno, log = [], facts = {} }: Case) {
  return whyNotLoaded(moduleName('lockstep_a'), functionsNamed('one two'), { errno, log }, { ...quiet, ...facts });
}

describe('what an error number means', () => {
  test.each<[string, string, Case]>([
    ['transition-busy', 'unavailable', { errno: 16, facts: { switching: moduleName('other'), holders: [held] } }],
    ['ftrace-disabled', 'refused', { errno: 16, facts: { rules: { ...rules, ftraceDisabled: true } } }],
    ['function-held', 'refused', { errno: 16, facts: { holders: [held] } }],
    ['kernel-busy', 'unavailable', { errno: 16, facts: { holders: [{ ...held, at: 'vmlinux:three' }] } }],
    ['modules-disabled', 'refused', { errno: 1, facts: { rules: { ...rules, modulesDisabled: true } } }],
    ['locked-down', 'refused', { errno: 1, facts: { rules: { ...rules, lockdown: 'integrity' } } }],
    ['not-permitted', 'refused', { errno: 1, facts: { rules: { ...rules, mayLoad: false } } }],
    ['not-permitted', 'refused', { errno: 13 }],
    ['signature-required', 'refused', { errno: 126 }],
    ['signature-required', 'refused', { errno: 129 }],
    ['wrong-kernel', 'refused', { errno: 8, log: ["lockstep_a: version magic '6.1.0 SMP' should be '6.1.1 SMP'"] }],
    ['wrong-kernel', 'refused', { errno: 8, log: ['lockstep_a: disagrees about version of symbol module_layout'] }],
    ['malformed-module', 'refused', { errno: 8 }],
    ['unknown-symbol', 'refused', { errno: 2, log: ['lockstep_a: Unknown symbol nowhere (err -2)'] }],
    ['module-exists', 'refused', { errno: 17 }],
    ['no-memory', 'unavailable', { errno: 12 }],
    ['kernel-refused-conflict', 'refused', { errno: 76 }],
    ['load-refused', 'refused', { errno: 71 }],
  ])('%s (%s)', (reason, kind, given) => {
    expect(why(given)).toMatchObject({ reason, kind, fields: { errno: given.errno } });
  });
  test('the kernel’s own words are told, those about this module and not those about others', () => {
    const log = [
      'usb 1-1: new device',
      'livepatch: symbol one not found in symbol table',
      'lockstep_a: tainting kernel',
    ];
    const { message } = why({ errno: 22, log });
    expect(message).toContain('log: livepatch: symbol one not found in symbol table / lockstep_a: tainting kernel');
    expect(message).not.toContain('usb');
  });
});

test('a module goes, stays in use for now, or says why it cannot go', () => {
  const gone = (errno: number, more: Partial<ModuleRules> = {}) =>
    hasGone(moduleName('lockstep_a'), { errno, log: [] }, { ...rules, ...more });
  expect([gone(0), gone(2), gone(11), gone(16)]).toEqual([true, true, false, false]);
  expect(() => gone(1, { modulesDisabled: true })).toThrow(expect.objectContaining({ reason: 'modules-disabled' }));
  expect(() => gone(5)).toThrow(
    expect.objectContaining({ reason: 'unload-refused', fields: { module: 'lockstep_a', errno: 5 } }),
  );
});
