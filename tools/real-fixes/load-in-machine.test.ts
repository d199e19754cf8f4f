// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { stackScript, type LoadableModule } from './load-in-machine';

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-load-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

/** A machine of shell functions: what is written to sysfs counts as done, and the kernel keeps `pinned`. */
function run(modules: readonly LoadableModule[], pinned: string): string {
  const machine = `
    insmod() { base=\${1##*/}; base=\${base%.ko}; mkdir ${dir}/$base; echo 0 >${dir}/$base/transition; echo 1 >${dir}/$base/enabled; }
    rmmod() { echo "rmmod $1"; [ "$1" != '${pinned}' ]; }
    dmesg() { :; }
    perl() { [ "$2" = --load ] || rm -r ${dir}/first ${dir}/second; [ "$2" = --load ] || mkdir ${dir}/gone; }
  `;
  const script = stackScript(modules, '/exercise.pl')
    .replaceAll('/sys/kernel/livepatch', dir)
    .replaceAll('>$patch/enabled', '');
  writeFileSync(path.join(dir, 'script'), `${machine}${script}`);
  try {
    return execFileSync('sh', [path.join(dir, 'script')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    return `failed: ${String((error as { stderr?: unknown }).stderr)}`;
  } finally {
    rmSync(path.join(dir, 'gone'), { recursive: true, force: true });
  }
}

const first = { name: 'first', staysLoaded: false };

test('what is told to stay loaded must, and the others go, from the top down', () => {
  const both = [first, { name: 'second', staysLoaded: true }];
  expect(run(both, 'second')).toMatch(/rmmod second\n.*rmmod first\n/s);
  expect(run(both, 'none')).toContain('second was to stay loaded, and did not');
});

test('what nobody told of is a fault', () => {
  expect(run([first, { name: 'second', staysLoaded: false }], 'second')).toMatch(/^failed: /);
});
