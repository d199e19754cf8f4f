// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { functionHolders, parseEnabledFunctions, parseKprobes } from './function-holders';
import { FakeKernelTree } from './tests/fake-kernel-tree';

// As 5.15 and 6.1 print them.
const enabled = [
  'meminfo_proc_show (1) R I  \ttramp: 0xffffffffc0002000 (klp_ftrace_handler+0x0/0x1b0)',
  'cmdline_proc_show (1) R I  ',
  'version_proc_show (1) R   D\ttramp: ftrace_regs_caller+0x0/0x68 (call_direct_funcs+0x0/0x20)',
  '\tdirect-->bpf_trampoline_6442493862+0x0/0x1000',
  'loadavg_proc_show [mod] (1) R I D\ttramp: ftrace_regs_caller+0x0/0x68 (call_direct_funcs+0x0/0x20)',
  '\tdirect-->my_tramp+0x0/0x10 [holder]',
  'vfs_read (2)      ',
  '',
].join('\n');
const kprobes = [
  'ffffffff81a3c5b0  k  cmdline_proc_show+0x0    [FTRACE]',
  'ffffffffc0a3c5b0  r  uptime_proc_show+0x0    [FTRACE]',
  'ffffffffc0a3c5b0  k  ext4_sync_fs+0x0  ext4 [DISABLED][FTRACE]',
  '',
].join('\n');

let tree: FakeKernelTree;

beforeEach(() => {
  tree = new FakeKernelTree();
});
afterEach(() => {
  tree.stop();
});

function write(file: string, text: string): void {
  const whole = path.join(tree.roots.sys, file);
  mkdirSync(path.dirname(whole), { recursive: true });
  writeFileSync(whole, text);
}

test('reads who is on a function', () => {
  expect(parseEnabledFunctions(enabled)).toEqual([
    { place: 'vmlinux:meminfo_proc_show', isRedirected: true, direct: undefined },
    { place: 'vmlinux:cmdline_proc_show', isRedirected: true, direct: undefined },
    { place: 'vmlinux:version_proc_show', isRedirected: false, direct: 'bpf_trampoline_6442493862' },
    { place: 'mod:loadavg_proc_show', isRedirected: true, direct: 'my_tramp' },
    { place: 'vmlinux:vfs_read', isRedirected: false, direct: undefined },
  ]);
  expect(parseKprobes(kprobes)).toEqual(new Set(['vmlinux:cmdline_proc_show', 'ext4:ext4_sync_fs']));
});

test('reads the flags and directions of later kernels', () => {
  const text = [
    'vfs_read (2) R I D O M \ttramp: 0xffffffffc0002000 (arch_ftrace_ops_list_func+0x0/0x1b0) ->ftrace_ops_list_func+0x0/0x10',
    '\tops: bpf_fentry_ops+0x0/0x10 (call_direct_funcs+0x0/0x20)',
    '\tdirect(jmp)-->bpf_trampoline_6442493862+0x0/0x1000',
    'vfs_write (1)       O     \tops: x+0x0/0x10 (y+0x0/0x20)',
    '',
  ].join('\n');
  expect(parseEnabledFunctions(text)).toEqual([
    { place: 'vmlinux:vfs_read', isRedirected: true, direct: 'bpf_trampoline_6442493862' },
    { place: 'vmlinux:vfs_write', isRedirected: false, direct: undefined },
  ]);
});

test.each([
  ['5.15.135', ['function-held', 'bpf-trampoline']],
  ['6.1.0-53-cloud-amd64', ['bpf-trampoline']],
] as const)('on %s a BPF trampoline is told as %s; livepatches are nobody else', async (release, kinds) => {
  write('kernel/tracing/enabled_functions', enabled);
  write('kernel/debug/kprobes/list', kprobes);
  const holders = await functionHolders(tree.roots, release, new Set(['vmlinux:meminfo_proc_show']));
  expect(holders).toEqual([
    {
      kind: 'function-held',
      at: 'vmlinux:cmdline_proc_show',
      by: expect.stringContaining('a kprobe with a post_handler'),
    },
    ...kinds.map((kind) => ({
      ...{ kind, at: 'vmlinux:version_proc_show' },
      by: expect.stringContaining('bpf_trampoline_6442493862'),
    })),
    { kind: 'function-held', at: 'mod:loadavg_proc_show', by: 'a direct call of ftrace to my_tramp' },
  ]);
});

test('tracefs and debugfs may be mounted elsewhere', async () => {
  const top = path.dirname(tree.roots.sys);
  const at = (folder: string, type: string): string => `40 1 0:12 / ${top}/${folder} rw - ${type} none rw\n`;
  tree.write('proc/self/mountinfo', at('trace', 'tracefs') + at('debug', 'debugfs'));
  tree.write('trace/enabled_functions', 'cmdline_proc_show (1) R I  \n');
  tree.write('debug/kprobes/list', kprobes);
  expect(await functionHolders(tree.roots, '6.1.0', new Set())).toMatchObject([
    { at: 'vmlinux:cmdline_proc_show', by: expect.stringContaining('a kprobe with a post_handler') },
  ]);
});

test('where tracefs is not mounted nothing is known', async () => {
  expect(await functionHolders(tree.roots, '6.1.0', new Set())).toBeUndefined();
});
