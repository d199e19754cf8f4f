// SPDX-License-Identifier: GPL-2.0-only
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { bundleScript } from '@lockstep/testing/script-bundle';
import { compilerLimits, type Limits } from './limits';
import { runCommand, type CommandResult } from './run-command';
import { parseSandboxChoice, runSandboxed, useSandbox } from './sandbox';
import { inMemory, readOnly, writable } from './sandbox-view';

let [tree, out, outside] = ['', '', ''];

beforeEach(() => {
  [tree, out, outside] = ['tree', 'out', 'outside'].map((name) => mkdtempSync(join(tmpdir(), `lockstep-${name}-`))) as [
    string,
    string,
    string,
  ];
  writeFileSync(join(tree, 'Makefile'), 'all:\n');
  writeFileSync(join(outside, 'secret'), 'marker\n');
  process.env['LOCKSTEP_S3_SECRET_ACCESS_KEY'] = 'marker';
});

afterEach(() => {
  for (const dir of [tree, out, outside]) rmSync(dir, { recursive: true, force: true });
  delete process.env['LOCKSTEP_S3_SECRET_ACCESS_KEY'];
});

const small: Limits = {
  ...compilerLimits(),
  seconds: 20,
  outputBytes: 2 ** 20,
  diskBytes: 16 * 2 ** 20,
  processes: 40,
};

const run = async (script: string, limits: Limits = small): Promise<CommandResult> =>
  runSandboxed('sh', ['-c', script], {
    ...{ what: 'the test', cwd: tree, limits },
    mounts: [readOnly(tree), writable(out)],
  });

describe.each(['bubblewrap', 'namespaces'] as const)('in a sandbox of %s', (kind) => {
  beforeEach(async () => {
    await useSandbox(kind);
  });

  test('a command finds the toolchain and its tree, and answers', async () => {
    const { status, output } = await run(`pwd; ls; gcc --version >/dev/null && echo made >${out}/file`);
    expect({ status, output }).toEqual({ status: 0, output: `${tree}\nMakefile\n` });
    expect(readFileSync(join(out, 'file'), 'utf8')).toBe('made\n');
  });

  test.each([
    ['files of the host', () => `cat ${outside}/secret /etc/passwd /etc/hostname ${homedir()}/.ssh/*`],
    ['the environment', () => 'env; tr "\\0" "\\n" </proc/1/environ; cat /proc/[0-9]*/environ | tr "\\0" "\\n"'],
    ['other processes', () => `cd /proc; for p in [0-9]*; do tr "\\0" " " <$p/cmdline; done | grep ${process.pid}`],
    ['the disks', () => 'cat /dev/vda /dev/sda /dev/mem /dev/kmsg 2>/dev/null; ls /sys /boot /var /home /work'],
  ])('it reads nothing of %s', async (_, script) => {
    const { output } = await run(script());
    expect(output).not.toContain('marker');
    expect(output).not.toContain('root:');
    expect(output).not.toContain(readFileSync('/etc/hostname', 'utf8').trim());
  });

  test('it writes nowhere but where it may', async () => {
    const places = [tree, outside, '/', '/usr/bin', '/etc', '/proc/sys/kernel', homedir()];
    const tries = places.map((place) => `(echo x >${place}/marker) 2>/dev/null && echo wrote ${place}`);
    const more = [`chmod u+w ${tree}`, `mount -o remount,rw ${tree}`, `echo x >>${tree}/Makefile`, 'unshare -Ur true'];
    const { output } = await run(
      [...tries, ...more.map((one) => `(${one}) 2>/dev/null && echo did`), 'true'].join('\n'),
    );
    expect(output.replaceAll(/^did$/gm, '').trim()).toBe('');
    expect(readFileSync(join(tree, 'Makefile'), 'utf8')).toBe('all:\n');
  });

  test('a folder in memory lies over one of its tree, has its links alone, and ends with it', async () => {
    const mounts = [readOnly(tree), readOnly(outside, '/behind'), inMemory(tree, ['/behind/secret']), writable(out)];
    const script = `ls; cat secret; echo made >file && cp file ${out}`;
    const { status, output } = await runSandboxed('sh', ['-c', script], {
      what: 'it',
      cwd: tree,
      limits: small,
      mounts,
    });
    expect({ status, output }).toEqual({ status: 0, output: 'secret\nmarker\n' });
    expect(readFileSync(join(out, 'file'), 'utf8')).toBe('made\n');
    expect(readdirSync(tree)).toEqual(['Makefile']);
  });

  test('it has no network and no rights', async () => {
    const { output } = await run(
      'ls /sys/class/net 2>/dev/null; cat /proc/net/dev | grep -c :; grep CapEff /proc/self/status',
    );
    expect(output).toBe('1\nCapEff:\t0000000000000000\n');
  });

  test.each([
    ['time', { ...small, seconds: 1 }, 'while :; do :; done'],
    ['memory', { ...small, memoryBytes: 200 * 2 ** 20 }, 'perl -e \'$x = "x" x 400e6; sleep 19\''],
    [
      'memory',
      { ...small, memoryBytes: 200 * 2 ** 20 },
      'for i in 1 2 3; do perl -e \'$x = "x" x 40e6; sleep 19\' & done; wait',
    ],
    ['processes', small, 'for i in $(seq 60); do sleep 19 & done; wait'],
    ['output', small, 'yes'],
    ['disk', small, 'head -c 40M /dev/zero >$OUT/big'],
    ['disk', small, 'for i in $(seq 12); do head -c 4M /dev/zero >$OUT/$i; done; sleep 19'],
    ['disk', small, 'dd if=/dev/zero of=/tmp/big bs=1M count=40'],
  ] as const)('it is ended by its limit on %s, by name', async (limit, limits, script) => {
    const ended = run(script.replaceAll('$OUT', out), limits);
    await expect(ended).rejects.toMatchObject({ reason: 'limit-exceeded', fields: { limit, what: 'the test' } });
  });

  test('what it takes of the disk is seen though others free as much meanwhile', async () => {
    const others = join(outside, 'large');
    writeFileSync(others, Buffer.alloc(96 * 2 ** 20, 1));
    const ended = run(
      `until [ -e ${out}/go ]; do sleep 0.1; done; head -c 12M /dev/zero >${out}/1; head -c 12M /dev/zero >${out}/2; sleep 19`,
    );
    // Begun before it was freed: what is free is more than at first all the while.
    await sleep(500);
    rmSync(others);
    writeFileSync(join(out, 'go'), '');
    await expect(ended).rejects.toMatchObject({ reason: 'limit-exceeded', fields: { limit: 'disk' } });
  });

  test('what was started ends with it', async () => {
    const before = performance.now();
    const controller = new AbortController();
    setTimeout(() => {
      controller.abort(new Error('told to stop'));
    }, 500);
    const options = { what: 'it', cwd: tree, limits: small, mounts: [readOnly(tree)], signal: controller.signal };
    const script = 'setsid sleep 1000 & sleep 1000';
    await expect(runSandboxed('sh', ['-c', script], options)).rejects.toThrow('told to stop');
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});

test('where none works it says what to do, and what is asked for must be known', async () => {
  const script = join(out, 'refusal.js');
  await bundleScript({ entry: join(__dirname, 'tests/refusal.ts'), outfile: script });
  // Without the right to make namespaces, as in a container.
  const noRights = 'echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all --inh-caps=-all "$@"';
  const args = ['-Ur', 'sh', '-c', noRights, 'sh', process.execPath, script];
  const { output } = await runCommand('unshare', args);
  expect(output).toMatch(/^no-sandbox: .*bubblewrap: .*namespaces: .*--sandbox none.*LOCKSTEP_SANDBOX=none/s);
  expect(() => parseSandboxChoice('jail')).toThrow('LOCKSTEP_SANDBOX=jail: give one of auto, bubblewrap');
});
