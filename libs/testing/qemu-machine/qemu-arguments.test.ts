// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { qemuArguments, type QemuArguments } from './qemu-arguments';

const machine: QemuArguments = {
  name: 'node-1',
  kernelImage: '/k/bzImage',
  root: { kind: 'host-tree', initFile: '/a repo/init', shareDir: '/run,1/share' },
  accelerator: 'tcg',
  memoryMb: 512,
  processors: 2,
  stateDisk: '/run,1/state.img',
  consoleLog: '/run,1/console.log',
  shellSocket: '/t/shell',
  controlSocket: '/t/qmp',
  relayFile: '/t/relay.mjs',
  hostPorts: [7443, 7444],
  countInstructions: false,
  kernelArguments: ['extra=1'],
};

const line = qemuArguments(machine).join(' ');

test('the guest reaches the named ports of the host and nothing else', () => {
  expect(line).toContain('user,id=net,restrict=on,guestfwd=tcp:10.0.2.100:7443-cmd:');
  expect(line).toContain("'/t/relay.mjs' '7444'");
  expect(qemuArguments({ ...machine, hostPorts: [] }).join(' ')).toContain('user,id=net,restrict=on -device');
});

test('the host is shared read-only, and a comma in a path stays in it', () => {
  expect(line.match(/-virtfs local,\S*readonly=on/g)).toHaveLength(2);
  expect(line).toContain('path=/run,,1/share,');
  expect(line).toContain('file=/run,,1/state.img');
});

test('the kernel is told its name, its root and an init whose path may hold blanks', () => {
  expect(line).toContain('init="/a repo/init"');
  expect(line).toContain(':node-1:eth0:off');
  expect(line).toContain(' extra=1 ');
});

test('an emulated machine has a clock whose speed it need not measure', () => {
  expect(line).toContain(' clocksource=hpet ');
  expect(qemuArguments({ ...machine, accelerator: 'kvm' }).join(' ')).not.toContain('clocksource');
});

test('a kernel without 9p gets its programs in a RAM disk, and its share on the second disk, read-only', () => {
  const root = { kind: 'ram-disk', file: '/k/initrd', shareDisk: '/run,1/share.img' } as const;
  const line = qemuArguments({ ...machine, root }).join(' ');
  expect(line).not.toContain('9p');
  expect(line).not.toContain('virtfs');
  expect(line).toContain('-initrd /k/initrd ');
  expect(line).toContain('rdinit=/init hostname=node-1 ');
  expect(line).toMatch(/drive=state .*readonly=on,file=\/run,,1\/share\.img/);
});
