// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { NamedDiff } from '@lockstep/io/kernel-builder';
import { kernelTestSetupMs, testKernelFlavour } from '@lockstep/testing/qemu-machine';
import { PatchableMachine } from '../patchable-machine';

// Patches as git and mail programs hand them over, and those that bring a file of their own where the tools of this machine are
// not those of the kernel's build. Numbers are those of docs/patch-shapes.md. All fits 5.15 and 6.1.

const [cmdline, version, makefile] = ['fs/proc/cmdline.c', 'fs/proc/version.c', 'fs/proc/Makefile'];

let machine: PatchableMachine;
/** A repository of git with three files of the kernel in it. */
let repository: string;

const git = (...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@example.org', ...args], {
    cwd: repository,
    encoding: 'latin1',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

function change(file: string, from: string, to: string): void {
  const name = path.join(repository, file);
  const before = readFileSync(name, 'latin1');
  expect(before).toContain(from);
  writeFileSync(name, before.replace(from, to), 'latin1');
}

const commit = (message: string): string => git('commit', '-qam', message);
const named = (text: string, more: Partial<NamedDiff> = {}): readonly NamedDiff[] => [{ name: 'given', text, ...more }];

/** Says `lockstep: NUMBER` in /proc/cmdline, once more with each. */
const say = (number: number): void => {
  change(cmdline, "\tseq_putc(m, '\\n');\n", `\tseq_putc(m, '\\n');\n\tseq_puts(m, "lockstep: ${number}\\n");\n`);
};

/** Built, loaded and taken out again: /proc/cmdline says these, in this order, while it is in. */
async function says(diffs: readonly NamedDiff[], numbers: readonly number[]): Promise<void> {
  await machine.build('klp_given', diffs);
  await machine.load('klp_given');
  const said = await machine.run('grep lockstep: /proc/cmdline');
  expect(said).toBe(numbers.map((number) => `lockstep: ${number}\n`).join(''));
  expect(await machine.unload('klp_given')).toBe('');
}

beforeAll(async () => {
  machine = await PatchableMachine.start({ name: 'handed-in', flavour: testKernelFlavour() });
  repository = mkdtempSync(path.join(tmpdir(), 'lockstep-given-'));
  mkdirSync(path.join(repository, 'fs/proc'), { recursive: true });
  for (const file of [cmdline, version, makefile])
    cpSync(path.join(machine.kernel.treeDir, file), path.join(repository, file));
  git('init', '-q', '-b', 'main');
  git('add', '.');
  commit('as it was');
  git('tag', 'base');
}, kernelTestSetupMs);

afterAll(() => machine[Symbol.asyncDispose]());
afterAll(() => {
  rmSync(repository, { recursive: true, force: true });
});
afterEach(() => {
  git('checkout', '-qf', '-B', 'main', 'base');
});

describe('11: patches as people have them', () => {
  const series = (): string => {
    say(1);
    commit('one');
    say(2);
    commit('two');
    return git('format-patch', '--stdout', 'base');
  };

  test('a series of mails that touch one file twice', async () => {
    await says(named(series()), [2, 1]);
  }, 300_000);

  test('the same with the line ends of another system', async () => {
    await says(named(series().replaceAll('\n', '\r\n')), [2, 1]);
  }, 300_000);

  test('files in their order', async () => {
    say(1);
    commit('one');
    const one = git('format-patch', '--stdout', 'HEAD~');
    say(2);
    commit('two');
    const two = git('format-patch', '--stdout', 'HEAD~');
    await says([...named(one), ...named(two)], [2, 1]);
    await expect(machine.build('klp_given', [...named(two), ...named(one)])).rejects.toMatchObject({
      message: expect.stringContaining(cmdline) as unknown,
    });
  }, 300_000);

  test('without prefixes', async () => {
    say(3);
    await says(named(git('diff', '--no-prefix')), [3]);
  }, 300_000);

  test('a stale line is refused, offered as fuzz, and taken with it', async () => {
    say(4);
    const stale = git('diff').replace('\n \tseq_puts(m, saved_command_line);', '\n \tseq_puts(m, saved_commandline);');
    await expect(machine.build('klp_given', named(stale))).rejects.toMatchObject({
      message: expect.stringContaining('--fuzz') as unknown,
    });
    await says(named(stale, { fuzz: 2 }), [4]);
  }, 300_000);

  test('a merge as git shows it is refused as one', async () => {
    git('checkout', '-q', '-b', 'side');
    say(5);
    commit('side');
    git('checkout', '-q', 'main');
    say(6);
    commit('main');
    expect(() => git('merge', '-q', 'side')).toThrow();
    const text = readFileSync(path.join(repository, cmdline), 'latin1').replaceAll(/^(?:<{7}|={7}|>{7}).*\n/gm, '');
    writeFileSync(path.join(repository, cmdline), text, 'latin1');
    commit('both');
    await expect(machine.build('klp_given', named(git('show', 'HEAD')))).rejects.toMatchObject({
      message: expect.stringMatching(/merge/) as unknown,
    });
  });
});

describe('9: a new file and its Makefile line, where tools are others', () => {
  const paths = process.env['PATH'] ?? '';
  afterEach(() => {
    process.env['PATH'] = paths;
  });

  /** As a distribution ships another pahole: only its version is asked. */
  function usePahole(says: string): void {
    const bin = path.join(repository, 'bin');
    mkdirSync(bin, { recursive: true });
    const file = path.join(bin, 'pahole');
    writeFileSync(file, `#!/bin/sh\necho ${says}\n`);
    chmodSync(file, 0o755);
    process.env['PATH'] = `${bin}:${paths}`;
  }

  test.each([
    ['klp_pahole_new', 'v1.31'],
    ['klp_pahole_old', 'v1.16'],
    ['klp_pahole_none', ''],
  ])(
    '%s: pahole says %j',
    async (name, said) => {
      if (said !== '') usePahole(said);
      change(makefile, 'proc-y\t+= version.o\n', 'proc-y\t+= version.o\nproc-y\t+= lockstep_added.o\n');
      change(
        version,
        'static int version_proc_show(',
        'void lockstep_added(struct seq_file *m);\n\nstatic int version_proc_show(',
      );
      change(version, '\treturn 0;\n', '\tlockstep_added(m);\n\treturn 0;\n');
      writeFileSync(
        path.join(repository, 'fs/proc/lockstep_added.c'),
        '#include <linux/seq_file.h>\nvoid lockstep_added(struct seq_file *m);\nvoid lockstep_added(struct seq_file *m)\n{\n\tseq_puts(m, "lockstep: added\\n");\n}\n',
      );
      git('add', 'fs');
      const built = await machine.build(name, named(git('diff', '--cached'), { mayChangeBuild: true }));
      expect(built.path).toBe('make');
      await machine.load(name);
      expect(await machine.run('cat /proc/version')).toContain('lockstep: added');
      expect(await machine.unload(name)).toBe('');
      expect(await machine.run('cat /proc/version')).not.toContain('lockstep: added');
    },
    900_000,
  );
});
