// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SysfsKernel } from '@lockstep/io/livepatch-sysfs';
import { FakeKernelTree, functionsNamed } from '@lockstep/io/livepatch-sysfs/tests/fake-kernel-tree';
import { livepatchFile, type LivepatchFixture } from '@lockstep/testing/object-fixtures';
import { createCli } from './cli';
import { runProgram } from './program';

let folder: string;
let tree: FakeKernelTree;

/** ELF note NT_GNU_BUILD_ID of 20 bytes, as /sys/kernel/notes has it. */
const notes = Buffer.concat([
  Buffer.from([4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0]),
  Buffer.from('GNU\0'),
  Buffer.alloc(20, 7),
]);

function boot(patchedCore: boolean): void {
  tree = new FakeKernelTree({ patchedCore });
  mkdirSync(path.join(tree.roots.sys, 'kernel'), { recursive: true });
  tree.writeIdentity(notes);
}

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-host-'));
  boot(false);
});

afterEach(() => {
  tree.stop();
  rmSync(folder, { recursive: true });
});

/** A module file for this kernel; the kernel, given it, has its functions of vmlinux. */
function moduleFile(name: string, functions: string, more: Partial<LivepatchFixture> = {}): string {
  const file = path.join(folder, `${name}.ko`);
  const positions = Object.fromEntries(functions.split(' ').map((fn) => [fn, 1]));
  writeFileSync(file, livepatchFile({ name, release: '5.15.135', functions: positions, ...more }));
  tree.moduleFiles.set(file, functionsNamed(functions));
  return file;
}

async function host(args: readonly string[], { isRoot = true, signal = new AbortController().signal } = {}) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const { roots, calls, writeAttribute } = tree;
  const openKernel = (options: ConstructorParameters<typeof SysfsKernel>[0]) =>
    new SysfsKernel({ roots, calls, writeAttribute, ...options });
  const cli = createCli({ stdout, stderr, env: {}, signal, host: { isRoot, openKernel } });
  const code = await runProgram(cli, ['host', ...args]);
  const read = (stream: PassThrough): string => String((stream.read() as Buffer | null) ?? '');
  return { code, stdout: read(stdout), stderr: read(stderr) };
}

async function hostJson(args: readonly string[]) {
  const { code, stdout } = await host([...args, '--json']);
  return { code, document: JSON.parse(stdout) as Record<string, unknown> };
}

describe('host check', () => {
  it('names what would be shadowed, from the top, and who is torn, exit 1', async () => {
    tree.insert('a', functionsNamed('one two'));
    tree.insert('b', functionsNamed('one'));
    const file = moduleFile('c', 'one');
    const { code, stdout } = await host(['check', file]);
    expect(code).toBe(1);
    expect(stdout).toBe(
      'c changes vmlinux:one, some_module:module_func\n' +
        'conflict: vmlinux:one is owned by b, then a\n' +
        'covered: nothing of b runs any more\n',
    );
    const json = await hostJson(['check', moduleFile('d', 'two')]);
    expect(json).toMatchObject({
      code: 1,
      document: {
        module: 'd',
        conflicts: [{ function: { object: 'vmlinux', name: 'two', sympos: 1 }, owners: ['a'] }],
        victims: ['a'],
        // Of a, "one" was b's before: now nothing is left.
        torn: [],
        covered: ['a'],
      },
    });
    expect(tree.moduleNames).toEqual(['a', 'b']);
  });

  it('says what a torn patch loses and keeps', async () => {
    tree.insert('a', functionsNamed('one two'));
    const { stdout } = await host(['check', moduleFile('b', 'two three')]);
    expect(stdout).toContain('torn: a loses vmlinux:two and still runs vmlinux:one\n');
  });

  it('finds nothing, exit 0, root or not', async () => {
    tree.insert('a', functionsNamed('one'));
    const { code, stdout } = await host(['check', moduleFile('b', 'two')], { isRoot: false });
    expect([code, stdout]).toEqual([
      0,
      'b changes vmlinux:two, some_module:module_func\nIt conflicts with nothing that is loaded.\n',
    ]);
  });

  it('sees what would make the kernel refuse it, exit 1, and what may hold it up, exit 0', async () => {
    const traced = 'one (1) R I  \ntwo (1) R   D\ttramp: x (y)\n\tdirect-->bpf_trampoline_1+0x0/0x10\n';
    tree.write('sys/kernel/tracing/enabled_functions', traced);
    const held = await host(['check', moduleFile('b', 'one')]);
    expect(held).toMatchObject({ code: 1, stdout: expect.stringContaining('in the way: vmlinux:one is taken by') });
    // On 5.15 a BPF trampoline lets no livepatch in.
    expect(await host(['check', moduleFile('c', 'two')])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('bpf_trampoline_1'),
    });
    // What sleeps below the program holds up any other.
    expect(await host(['check', moduleFile('d', 'three')])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('in the way: vmlinux:two has a BPF trampoline (bpf_trampoline_1'),
    });
    tree.write('proc/sys/kernel/modules_disabled', '1\n');
    expect(await hostJson(['check', moduleFile('e', 'three')])).toMatchObject({
      code: 1,
      document: {
        obstacles: [{ kind: 'modules-disabled', at: '', by: '' }, { kind: 'bpf-trampoline' }],
        estimate: { lookups: 1 },
      },
    });
  });

  it('takes a replacing module as a takeover, and kpatch modules as one when told', async () => {
    tree.insert('a', functionsNamed('one two'));
    const replacing = await host(['check', moduleFile('b', 'one', { replace: true })]);
    expect(replacing).toMatchObject({ code: 0 });
    expect(replacing.stdout).toContain('replaced: a; the original code runs again in vmlinux:two\n');
    const kpatch = moduleFile('k', 'one', { kpatch: true });
    expect(await host(['check', kpatch])).toMatchObject({ code: 1, stdout: expect.stringContaining('note: whether') });
    expect(await host(['check', kpatch, '--replace'])).toMatchObject({ code: 0 });
  });

  it.each([
    [
      'wrong-kernel',
      () => moduleFile('b', 'one', { release: '6.1.0-other' }),
      /built for kernel 6\.1\.0-other; .* 5\.15\.135/,
    ],
    ['not-a-livepatch', () => moduleFile('b', 'one', { plain: true }), /not a livepatch/],
    ['unreadable-file', () => '/nowhere/x.ko', /\/nowhere\/x\.ko cannot be read/],
    ['module-exists', () => moduleFile('a', 'one'), /a is loaded already/],
    [
      'compressed-module',
      () => {
        const file = path.join(folder, 'z.ko.gz');
        writeFileSync(file, gzipSync('x'));
        return file;
      },
      /compressed with gzip/,
    ],
  ])('refuses with %s', async (reason, makeFile, message) => {
    tree.insert('a', functionsNamed('other'));
    const { code, stderr, stdout } = await host(['check', makeFile(), '--json']);
    const said = (JSON.parse(stdout) as { error: { reason: string } }).error.reason;
    // Elsewhere, or later, that file would be taken.
    expect([code, said]).toEqual([['module-exists', 'wrong-kernel'].includes(reason) ? 1 : 2, reason]);
    expect(stderr).toMatch(message);
  });
});

describe('host load', () => {
  it('loads what conflicts with nothing; a conflict only with every victim named', async () => {
    expect(await host(['load', moduleFile('a', 'one two')])).toMatchObject({ code: 0, stdout: 'a is loaded.\n' });
    await host(['load', moduleFile('b', 'three')]);
    const file = moduleFile('c', 'two three');
    const refused = await host(['load', file, '--override', 'a']);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/name whom it may shadow: --override b\n$/),
    });
    expect(tree.moduleNames).toEqual(['a', 'b']);
    const { code, stdout } = await host(['load', file, '--override', 'a', '--override', 'b']);
    expect(code).toBe(0);
    expect(stdout).toContain('torn: a loses vmlinux:two and still runs vmlinux:one\n');
    expect(tree.moduleNames).toEqual(['a', 'b', 'c']);
  });

  it('grants on the patched core whom it shadows, nobody else', async () => {
    tree.stop();
    boot(true);
    tree.insert('a', functionsNamed('one'));
    tree.insert('b', functionsNamed('two'));
    await host(['load', moduleFile('c', 'one'), '--override', 'a', '--override', 'b']);
    expect(tree.grants).toEqual(['c a\n']);
  });

  it('needs root, names that are loaded, and no transition under way', async () => {
    const file = moduleFile('a', 'one');
    expect(await host(['load', file], { isRoot: false })).toMatchObject({
      code: 1,
      stderr: 'error: Only root may change what the kernel runs: sudo lockstep host load …\n',
    });
    expect((await host(['load', file, '--override', 'x'])).stderr).toMatch(/--override x: no such livepatch/);
    tree.insert('slow', functionsNamed('nine'), Infinity);
    expect((await host(['load', file])).stderr).toMatch(/slow is in transition/);
    expect(tree.moduleNames).toEqual(['slow']);
  });

  it('is taken back at Ctrl-C, exit 130', async () => {
    tree.transitionTicks = Infinity;
    const interrupt = new AbortController();
    const loading = host(['load', moduleFile('a', 'one')], interrupt);
    while (tree.moduleNames.length === 0) await sleep(5);
    interrupt.abort();
    const { code, stderr } = await loading;
    expect([code, tree.moduleNames]).toEqual([130, []]);
    expect(stderr).toMatch(
      /^error: Loading a was interrupted and was taken back: .* Tasks in the way: 43 \(sleeper\) in one\./,
    );
  });

  it('gives up after --timeout-seconds, with progress meanwhile', async () => {
    tree.transitionTicks = Infinity;
    const { code, stdout, stderr } = await host(['load', moduleFile('a', 'one'), '--timeout-seconds', '5']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^load a [1-4]\/5 waits for 43 \(sleeper\) in one$/m);
    expect(stderr).toMatch(/did not end within 5000 ms and was taken back/);
  });
});

describe('host ls', () => {
  it('lists from the bottom, with state, kernel order and what is shadowed', async () => {
    tree.stop();
    boot(true);
    tree.insertPlain('gone', true);
    tree.insert('zz', functionsNamed('one two'));
    tree.insert('aa', functionsNamed('two'), Infinity);
    const { stdout } = await host(['ls']);
    const cells = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(cells.slice(1, -1)).toEqual([
      ['zz', '1', 'enabled', expect.stringContaining('vmlinux:two (shadowed by aa)')],
      ['aa', '2', 'enabling', 'vmlinux:two'],
      ['gone', '-', 'not in effect'],
    ]);
    expect((await hostJson(['ls'])).document).toMatchObject({
      patches: [{ module: 'zz', stackOrder: 1 }, { module: 'aa', shadowed: [] }, { state: 'not-in-effect' }],
    });
  });

  it('says that there are none', async () => {
    expect(await host(['ls'])).toMatchObject({ code: 0, stdout: 'No livepatches.\n' });
  });
});

describe('host conflicts', () => {
  it('computes them on a stock core', async () => {
    tree.insert('a', functionsNamed('one two'));
    tree.insert('b', functionsNamed('two'));
    const { document } = await hostJson(['conflicts']);
    expect(document).toMatchObject({
      source: 'sysfs',
      conflicts: [{ function: { name: 'two' }, owners: [{ module: 'b' }, { module: 'a' }] }],
    });
  });

  it('repeats what the patched core says', async () => {
    tree.stop();
    boot(true);
    writeFileSync(path.join(tree.roots.sys, 'kernel/livepatch/conflicts'), 'vmlinux x,1 b:y,2 a\n');
    expect((await host(['conflicts'])).stdout).toMatch(/vmlinux:x +b \(as vmlinux:y,2\) > a\n/);
  });
});

describe('host unload', () => {
  it('disables and removes, also what is out of effect; dashes are underscores', async () => {
    tree.insert('my_patch', functionsNamed('one'));
    tree.insertPlain('gone', true);
    expect(await host(['unload', 'my-patch'])).toMatchObject({ code: 0, stdout: 'my_patch is unloaded.\n' });
    await host(['unload', 'gone']);
    expect(tree.moduleNames).toEqual([]);
  });

  it('names what is there when asked for another, and needs root', async () => {
    tree.insert('a', functionsNamed('one'));
    tree.insertPlain('driver', false);
    expect((await host(['unload', 'driver'])).stderr).toBe('error: There is no livepatch driver; loaded: a.\n');
    expect(await host(['unload', 'a'], { isRoot: false })).toMatchObject({ code: 1 });
    expect(tree.moduleNames).toEqual(['a', 'driver']);
  });
});
