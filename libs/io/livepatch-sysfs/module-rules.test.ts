// SPDX-License-Identifier: GPL-2.0-only
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readModuleRules, type ModuleRules } from './module-rules';
import { anyModule } from './tests/any-module';
import { FakeKernelTree } from './tests/fake-kernel-tree';

let tree: FakeKernelTree;

beforeEach(() => {
  tree = new FakeKernelTree();
});
afterEach(() => {
  tree.stop();
});

const capabilities = (hex: string): string => `Name:\tx\\nCapEff:\t0\nCapPrm:\t0000000000000000\nCapEff:\t${hex}\n`;
const ofHost = '         0          0 4294967295\n';

test.each<[string, string, Partial<ModuleRules>]>([
  ['proc/nothing', '', {}],
  ['proc/sys/kernel/modules_disabled', '1\n', { modulesDisabled: true }],
  ['proc/sys/kernel/ftrace_enabled', '0\n', { ftraceDisabled: true }],
  ['sys/kernel/security/lockdown', '[none] integrity confidentiality\n', {}],
  ['sys/kernel/security/lockdown', 'none [integrity] confidentiality\n', { lockdown: 'integrity' }],
  ['sys/kernel/security/lockdown', 'none integrity [confidentiality]\n', { lockdown: 'confidentiality' }],
  ['sys/module/module/parameters/sig_enforce', 'Y\n', { signaturesEnforced: true }],
  ['sys/module/module/parameters/sig_enforce', 'N\n', {}],
  ['proc/self/status', capabilities('000001ffffffffff'), {}],
  ['proc/self/status', capabilities('00000000a80425fb'), { mayLoad: false }],
  ['proc/self/uid_map', ofHost, {}],
  ['proc/self/uid_map', '         0     100000      65536\n', { mayLoad: false }],
  ['proc/self/uid_map', '         0       1000          1\n         1     100000      65536\n', { mayLoad: false }],
  [
    'proc/keys',
    '0c2e9d11 I------     1 perm 1f030000     0     0 asymmetri Debian: a (b): 8b3e1f: X509.rsa 1f2e3d4c []\n' +
      '0c2e9d12 I--Q---     1 perm 3f010000     0     0 user      x: 1: y\n',
    { shownKeys: ['8b3e1f'] },
  ],
])('%s: %j', async (file, text, rules) => {
  tree.write(file, text);
  expect(await readModuleRules(tree.roots)).toEqual({ ...anyModule, ...rules });
});
