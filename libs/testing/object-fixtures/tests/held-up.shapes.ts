// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { kernelTestSetupMs, repositoryRoot, testKernelFlavour, type ExecResult } from '@lockstep/testing/qemu-machine';
import { bundleScript } from '@lockstep/testing/script-bundle';
import type { Edit } from '../index';
import { PatchableMachine } from '../patchable-machine';

// What a kernel does to those who load, and to who sleeps in what is patched; with the patched core, and without it where
// LOCKSTEP_TEST_KERNEL is `stock`. Numbers are those of docs/patch-shapes.md. Each edit fits 5.15 and 6.1.

jest.setTimeout(600_000);

let machine: PatchableMachine;

const nothing = 'asm volatile("nop");\n';

interface Sleep {
  /** As the compiler may have called it, or who it became part of. */
  readonly fn: RegExp;
  readonly edit: Edit;
  /** Perl that prints the error with which it is woken. */
  readonly sleeper: string;
}

/** System calls by their number: perl has no words for some of them. */
const sleeps: Readonly<Record<string, Sleep>> = {
  semaphores: {
    fn: /do_semtimedop/,
    edit: ['ipc/sem.c', '', '\tif (nsops < 1 || semid < 0)\n', `\t${nothing}\tif (nsops < 1 || semid < 0)\n`],
    sleeper: 'my $s = semget(0, 1, 0600); print semop($s, pack("s3", 0, -1, 0)) ? "woken" : $! + 0',
  },
  signals: {
    fn: /sigtimedwait/,
    edit: ['kernel/signal.c', '\nstatic int do_sigtimedwait(', '\tif (ts) {\n', `\t${nothing}\tif (ts) {\n`],
    sleeper: 'my $set = "\\0" x 8; print syscall(128, $set, 0, 0, 8) >= 0 ? "woken" : $! + 0',
  },
  sockets: {
    fn: /sk_wait_data/,
    edit: ['net/core/sock.c', '\nint sk_wait_data(', '\tadd_wait_queue(', `\t${nothing}\tadd_wait_queue(`],
    sleeper: `use Socket; socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0); use IO::Socket::INET;
      my $l = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1"); my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $l->sockport);
      setsockopt($c, SOL_SOCKET, SO_RCVTIMEO, pack("q2", 100000, 0)); print defined(recv($c, my $got, 1, 0)) ? "woken" : $! + 0`,
  },
};

/** Who sleeps in code of the scheduler's section, which no stack of /proc shows. */
const hidden: Readonly<Record<string, Sleep>> = {
  naps: {
    fn: /do_nanosleep/,
    edit: [
      'kernel/time/hrtimer.c',
      '__sched do_nanosleep(',
      '\t\tif (likely(t->task))\n',
      `\t\t${nothing}\t\tif (likely(t->task))\n`,
    ],
    sleeper: 'sleep 100000',
  },
  selects: {
    fn: /schedule_hrtimeout_range/,
    edit: [
      'kernel/time/hrtimer.c',
      '\nschedule_hrtimeout_range_clock(',
      '\tif (likely(t.task))\n',
      `\t${nothing}\tif (likely(t.task))\n`,
    ],
    sleeper: 'select(undef, undef, undef, 100000)',
  },
  vforks: {
    fn: /wait_for_completion/,
    edit: [
      'kernel/sched/completion.c',
      '\ndo_wait_for_common(',
      '\t\t\ttimeout = action(timeout);\n',
      `\t\t\t${nothing}\t\t\ttimeout = action(timeout);\n`,
    ],
    // perl has no vfork().
    sleeper: 'exec "$ENV{FOLDER}/vforks"',
  },
};

/** The first functions of fs/proc/base.c, so many, each changed in nothing that shows. */
function inManyFunctions(count: number): Edit {
  const file = 'fs/proc/base.c';
  const before = readFileSync(path.join(machine.kernel.treeDir, file), 'latin1');
  let left = count;
  const after = before.replace(/^static (?:int|ssize_t) \w+\([^;{}]*\)\n\{\n/gm, (head) =>
    left-- > 0 ? `${head}\t${nothing}` : head,
  );
  return [file, '', before, after];
}

const inFolder = (file: string): string => path.join(machine.folder, file);
const inBytes = (id: string): string => Buffer.from(id, 'hex').toString('latin1');

/** The module `memory` as the build of another kernel would have made it. */
function asOf(name: string, change: (text: string) => string): void {
  const bytes = readFileSync(inFolder('memory.ko')).toString('latin1');
  writeFileSync(inFolder(`${name}.ko`), Buffer.from(change(bytes), 'latin1'));
}

const host = (command: string): Promise<ExecResult> =>
  machine.exec(`cd ${machine.folder} && node lockstep.js host ${command}`, 10 * 60_000);

/** Starts the program; resolves when it sleeps. */
const sleepIn = (sleeper: string): Promise<string> =>
  machine.run(
    `export FOLDER=${machine.folder}; rm -f /run/slept; (setsid perl -e '${sleeper}' >/run/slept 2>&1 </dev/null & echo $! >/run/sleeper)
     until grep -q '^State:.[SD]' /proc/$(cat /run/sleeper)/status; do sleep 0.1; done; sleep 0.5`,
  );

beforeAll(async () => {
  machine = await PatchableMachine.start({ name: 'held', flavour: testKernelFlavour() });
  const vforks =
    'int vfork(void), sleep(int); void _exit(int); int main(void) { if (!vfork()) { sleep(100000); _exit(0); } return 0; }';
  execFileSync('gcc', ['-x', 'c', '-', '-o', inFolder('vforks')], { input: vforks });
  await bundleScript({ entry: path.join(repositoryRoot, 'apps/cli/main.ts'), outfile: inFolder('lockstep.js') });
}, kernelTestSetupMs);

afterAll(() => machine[Symbol.asyncDispose]());

afterEach(() =>
  machine.run(
    `kill -9 -- -$(cat /run/sleeper) 2>/dev/null
     for on in /sys/kernel/livepatch/*/enabled; do [ ! -e $on ] || echo 0 >$on; done
     until ! ls -d /sys/kernel/livepatch/*/ >/dev/null 2>&1; do sleep 0.2; done
     for module in $(ls ${machine.folder}/*.ko); do rmmod $(basename $module .ko); done 2>/dev/null || true`,
  ),
);

test.each(Object.entries(sleeps))(
  '16: %s: a transition is taken back before the kernel interrupts a sleeper, unless that is allowed',
  async (name, { fn, edit, sleeper }) => {
    expect((await machine.build(name, [edit])).functions.map((one) => one.name)).toContainEqual(
      expect.stringMatching(fn),
    );
    await sleepIn(sleeper);
    const spared = await host(`load ${name}.ko`);
    expect(spared).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/did not end within 12000 ms and was taken back/),
    });
    expect(spared.stderr).toMatch(fn);
    expect(await machine.run('cat /run/slept')).toBe('');
    expect(await host(`load ${name}.ko --may-interrupt`)).toMatchObject({ status: 0 });
    await machine.run('until [ -s /run/slept ]; do sleep 0.1; done');
    // EINTR
    expect(await machine.run('cat /run/slept')).toBe('4');
  },
);

test.each(Object.entries(hidden))(
  "17: %s: what sleeps in the scheduler's own code is told, though its stack does not show it",
  async (name, { fn, edit, sleeper }) => {
    await machine.build(name, [edit]);
    await sleepIn(sleeper);
    expect(await machine.run('cat /proc/$(cat /run/sleeper)/stack')).not.toMatch(fn);
    const refused = await host(`load ${name}.ko`);
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringMatching(fn) });
    expect(refused.stderr).toMatch(name === 'vforks' ? /vforks/ : /perl/);
  },
);

describe('18: a livepatch of another build', () => {
  beforeAll(async () => {
    await machine.build('memory', [['fs/proc/meminfo.c', '', '"MemTotal:       "', '"MemTOTAL:       "']]);
  });

  test.each<[name: string, change: (id: string, release: string) => (text: string) => string]>([
    ['rebuilt', (id) => (text) => text.replaceAll(inBytes(id), inBytes(`${id.slice(2)}00`))],
    [
      'release',
      (id, release) => (text) =>
        text.replaceAll(inBytes(id), inBytes(`${id.slice(2)}00`)).replaceAll(release, release.replace(/\d(?=-)/, '9')),
    ],
    ['series', (_, release) => (text) => text.replaceAll(release, release.replace(/^\d/, '4'))],
  ])('%s: it is not shown to the kernel', async (name, change) => {
    const { id, release } = machine.kernel;
    asOf(name, change(id, release));
    const refused = await host(`load ${name}.ko`);
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringMatching(/was built for kernel/) });
    expect(await machine.run('grep -i memtotal /proc/meminfo')).toContain('MemTotal');
  });
});

test.each([1, 32, 60])(
  '19: %d functions in one module: how long that takes is told, and it is waited for',
  async (count) => {
    const name = `many_${count}`;
    const { functions } = await machine.build(name, [inManyFunctions(count)]);
    expect(functions.length).toBeGreaterThanOrEqual(Math.ceil(count / 2));
    const { estimate } = JSON.parse((await host(`check ${name}.ko --json`)).stdout) as {
      readonly estimate: { readonly lookups: number; readonly expectedMs: number };
    };
    expect(estimate.lookups).toBeGreaterThanOrEqual(functions.length);
    expect(estimate.expectedMs).toBeGreaterThan(0);
    expect(await host(`load ${name}.ko --may-interrupt`)).toMatchObject({ status: 0 });
  },
);
