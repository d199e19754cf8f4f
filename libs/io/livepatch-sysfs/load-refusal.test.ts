// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import type { Obstacle } from '@lockstep/domain/livepatch-model';
import { hasGone, isLasting, whyNotLoaded, type RefusalFacts } from './load-refusal';
import type { ModuleRules } from './module-rules';
import { anyModule } from './tests/any-module';
import { functionsNamed, moduleName } from './tests/fake-kernel-tree';

const quiet: RefusalFacts = { rules: anyModule, holders: [], switching: undefined };
const held: Obstacle = { kind: 'function-held', at: 'vmlinux:one', by: 'a kprobe' };

const taken = [
  "livepatch: failed to register ftrace handler for function 'one' (-16)",
  "livepatch: failed to patch object 'vmlinux'",
  "livepatch: failed to enable patch 'lockstep_a'",
];

interface Case {
  readonly errno: number;
  readonly log?: readonly string[];
  readonly facts?: Partial<RefusalFacts>;
}

function why({ errno, log = [], facts = {} }: Case, functions = functionsNamed('one two')) {
  return whyNotLoaded(moduleName('lockstep_a'), functions, { errno, log }, { ...quiet, ...facts });
}

describe('what an error number means', () => {
  test.each<[string, string, Case]>([
    ['transition-busy', 'unavailable', { errno: 16, facts: { switching: moduleName('other'), holders: [held] } }],
    ['ftrace-disabled', 'refused', { errno: 16, facts: { rules: { ...anyModule, ftraceDisabled: true } } }],
    ['function-held', 'refused', { errno: 16, facts: { holders: [held] } }],
    ['kernel-busy', 'unavailable', { errno: 16, facts: { holders: [{ ...held, at: 'vmlinux:three' }] } }],
    ['modules-disabled', 'refused', { errno: 1, facts: { rules: { ...anyModule, modulesDisabled: true } } }],
    ['locked-down', 'refused', { errno: 1, facts: { rules: { ...anyModule, lockdown: 'integrity' } } }],
    ['not-permitted', 'refused', { errno: 1, facts: { rules: { ...anyModule, mayLoad: false } } }],
    ['not-permitted', 'refused', { errno: 13 }],
    // Where securityfs is not mounted.
    [
      'locked-down',
      'refused',
      { errno: 1, log: ['Lockdown: perl: unsigned module loading is restricted; see man kernel_lockdown.7'] },
    ],
    // Where tracefs is not mounted; where it is, whoever had the function has let it go.
    ['function-held-unseen', 'refused', { errno: 16, log: taken, facts: { holders: undefined } }],
    ['kernel-busy', 'unavailable', { errno: 16, log: taken }],
    ['kernel-busy', 'unavailable', { errno: 16, facts: { holders: undefined } }],
    ...[
      "livepatch: symbol 'one' not found in symbol table",
      "livepatch: unresolvable ambiguity for symbol 'one' in object 'vmlinux'",
      "livepatch: symbol position 3 for symbol 'one' in object 'vmlinux' not found",
    ].map((line): [string, string, Case] => ['unknown-function', 'refused', { errno: 22, log: [line] }]),
    ['wrong-parameter', 'refused', { errno: 28, log: ["lockstep_a: `xy' too large for parameter `word'"] }],
    ['signature-required', 'refused', { errno: 126 }],
    ['signature-required', 'refused', { errno: 129 }],
    ['wrong-kernel', 'refused', { errno: 8, log: ["lockstep_a: version magic '6.1.0 SMP' should be '6.1.1 SMP'"] }],
    ['wrong-kernel', 'refused', { errno: 8, log: ['lockstep_a: disagrees about version of symbol module_layout'] }],
    ['malformed-module', 'refused', { errno: 8 }],
    // Any symbol but the first is EINVAL.
    ['wrong-kernel', 'refused', { errno: 22, log: ['lockstep_a: disagrees about version of symbol seq_printf'] }],
    ['kernel-refused', 'refused', { errno: 22, log: ['other: disagrees about version of symbol seq_printf'] }],
    [
      'no-livepatch',
      'refused',
      { errno: 8, log: ['lockstep_a: module is marked as livepatch module, but livepatch support is disabled'] },
    ],
    [
      'state-incompatible',
      'refused',
      {
        errno: 22,
        log: ['livepatch: Livepatch patch (lockstep_a) is not compatible with the already installed livepatches.'],
      },
    ],
    ['not-patchable', 'refused', { errno: 22, log: ["livepatch: failed to find location for function 'one'"] }],
    [
      'function-twice',
      'refused',
      {
        errno: 22,
        log: ["livepatch: 'lockstep_a' changes function 'one,1' of object 'vmlinux' twice, also as 'uno,1'"],
      },
    ],
    [
      'consistency-unsupported',
      'refused',
      {
        errno: 95,
        log: ["klp: 'lockstep_a' changes function 'kthread', which is in use whenever all CPUs are stopped"],
      },
    ],
    [
      'wrong-parameter',
      'refused',
      { errno: 22, log: ["lockstep_a: `x' invalid for parameter `livepatch.consistency'"] },
    ],
    [
      'ftrace-off',
      'refused',
      { errno: 19, log: ["livepatch: failed to register ftrace handler for function 'one' (-19)"] },
    ],
    // Whatever error its author chose: it says nothing of memory, nor of conflicts.
    ...[12, 16, 76].map((errno): [string, string, Case] => [
      'callback-refused',
      'unavailable',
      { errno, log: ["livepatch: pre-patch callback failed for object 'vmlinux'"] },
    ]),
    ['unknown-symbol', 'refused', { errno: 2, log: ['lockstep_a: Unknown symbol nowhere (err -2)'] }],
    ['module-exists', 'refused', { errno: 17 }],
    ['no-memory', 'unavailable', { errno: 12 }],
    ['kernel-refused-conflict', 'refused', { errno: 76 }],
    ['load-refused', 'refused', { errno: 71 }],
  ])('%s (%s)', (reason, kind, given) => {
    expect(why(given)).toMatchObject({ reason, kind, fields: { errno: given.errno } });
  });
  const enforced = { rules: { ...anyModule, signaturesEnforced: true } };
  test.each<[string, RegExp, RegExp, Case]>([
    ['no signature', /this one has none/, /changed/, { errno: 129, log: ['Loading of unsigned module is rejected'] }],
    [
      'a foreign key',
      /does not have the key/,
      /changed/,
      { errno: 129, log: ['Loading of module with unavailable key is rejected'] },
    ],
    [
      'an algorithm that is not there',
      /lacks the algorithm/,
      /changed/,
      { errno: 129, log: ['Loading of module with unsupported crypto is rejected'] },
    ],
    ['a module that was revoked', /blacklist/, /changed/, { errno: 129, log: ['Module hash 00ff is blacklisted'] }],
    ['a changed file', /changed after it was signed\./, /none/, { errno: 129, log: ['nothing about it'] }],
    ['a log that is not shown', /changed after it was signed, or has none/, /lacks/, { errno: 129, facts: enforced }],
  ])('an enforcing kernel gives one error for many reasons: %s', (_, says, doesNot, given) => {
    const { message, reason } = why({ facts: enforced, ...given });
    expect(reason).toBe('signature-required');
    expect(message).toMatch(says);
    expect(message).not.toMatch(doesNot);
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

test.each<[boolean, Case]>([
  [true, { errno: 16, facts: { holders: [held] } }],
  // Nobody would see that it has been let go.
  [false, { errno: 16, log: taken, facts: { holders: undefined } }],
  [true, { errno: 22, log: ["livepatch: symbol 'one' not found in symbol table"] }],
  [true, { errno: 22, log: ["lockstep_a: `x' invalid for parameter `livepatch.consistency'"] }],
  [false, { errno: 16, log: taken }],
  [false, { errno: 2, log: ['lockstep_a: Unknown symbol nowhere (err -2)'] }],
])('to try again changes nothing: %s', (lasting, given) => {
  expect(isLasting(why(given))).toBe(lasting);
});

test('a function that a module lacks may come with another build of that module', () => {
  const log = ["livepatch: symbol 'sync' not found in symbol table"];
  const error = why({ errno: 22, log }, [{ object: 'ext4', name: 'sync', sympos: 0 }]);
  expect([error.reason, isLasting(error)]).toEqual(['kernel-refused', false]);
});

test('a module goes, stays in use for now, or says why it cannot go', () => {
  const gone = (errno: number, more: Partial<ModuleRules> = {}) =>
    hasGone(moduleName('lockstep_a'), { errno, log: [] }, { ...anyModule, ...more });
  expect([gone(0), gone(2), gone(11), gone(16)]).toEqual([true, true, false, false]);
  expect(() => gone(1, { modulesDisabled: true })).toThrow(expect.objectContaining({ reason: 'modules-disabled' }));
  expect(() => gone(5)).toThrow(
    expect.objectContaining({ reason: 'unload-refused', fields: { module: 'lockstep_a', errno: 5 } }),
  );
});
