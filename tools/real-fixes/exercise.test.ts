// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { callsIn, tookIn } from './load-in-machine';

const folder = path.join(__dirname, 'exercise');
const tracing = mkdtempSync(path.join(tmpdir(), 'lockstep-exercise-'));
afterAll(() => {
  rmSync(tracing, { recursive: true });
});

const exercise = (...args: string[]): string =>
  execFileSync('perl', [path.join(folder, 'exercise.pl'), ...args], { encoding: 'utf8' });

function stateOf(process: number): 'ended' | 'runs' {
  try {
    return /^\d+ \(.*\) Z/.test(readFileSync(`/proc/${process}/stat`, 'utf8')) ? 'ended' : 'runs';
  } catch {
    return 'ended';
  }
}

test('there are ways to use the kernel, each has a name of its own, and every file of them is read', () => {
  const names = exercise('--list').trim().split('\n');
  const defined = readdirSync(folder).flatMap((file) =>
    [...readFileSync(path.join(folder, file), 'utf8').matchAll(/^way '([\w-]+)'/gm)].map(([, name]) => name),
  );
  expect(new Set(names).size).toBe(names.length);
  expect([...names].sort()).toEqual(defined.sort());
  expect(names).toEqual(expect.arrayContaining(['ext4', 'netlink', 'keys', 'rings', 'bridges', 'tracing']));
});

test('each file is clean of words that mean nothing', () => {
  for (const file of readdirSync(folder)) {
    const text = readFileSync(path.join(folder, file), 'utf8');
    const checked = `use strict; no strict 'vars'; no strict 'refs'; ${file === 'exercise.pl' ? '' : 'sub way;'}\n${text}`;
    expect(() => execFileSync('perl', ['-c'], { input: checked, stdio: 'pipe' })).not.toThrow();
  }
});

test('nothing is tried where PID 1 is not the init of a machine of QEMU', () => {
  for (const args of [[], ['--load'], ['--only', 'pipes'], ['real_fix_1']]) {
    const { status, stderr } = spawnSync('perl', [path.join(folder, 'exercise.pl'), ...args], { encoding: 'utf8' });
    expect(status).not.toBe(0);
    expect(stderr).toContain('in a machine of QEMU');
  }
});

test('what the tracer saw while a way was tried is counted by module and function, and nothing that the kernel itself did', () => {
  const line = (name: string): string => `  perl-77  [001] ...1.   12.5: ${name} <-do_syscall_64+0x3b/0xc0\n`;
  writeFileSync(
    path.join(tracing, 'trace'),
    line('mark+0x4/0x90 [real_fix_1]').repeat(2) + line('other.part.0+0x5/0x20 [real_fix_2]') + line('mark+0x5/0x80'),
  );
  const calls = callsIn(exercise('--tracing', tracing, '--count'));
  expect(calls).toEqual(
    new Map([
      ['real_fix_1 mark', 2],
      ['real_fix_2 other.part.0', 1],
    ]),
  );
});

test('how long a way took is told apart from what ran', () => {
  const printed = 'took ext4 12.3\ntook udp 0.4\nreal_fix_1 mark 2\n';
  expect([...tookIn(printed)]).toEqual([
    ['ext4', 12.3],
    ['udp', 0.4],
  ]);
  expect([...callsIn(printed)]).toEqual([['real_fix_1 mark', 2]]);
});

test('a way that lifts its own limit and leaves a program behind is ended with it, and what there is no time for is named', async () => {
  const program = `
    do '${path.join(folder, 'turns.pl')}' or die;
    my $tick = sub { select undef, undef, undef, 0.05 while 1 };
    my $stubborn = sub { $SIG{$_} = 'IGNORE' for 'TERM', 'ALRM', 'INT'; alarm 0; if (my $left = fork) { print "left $left\\n"; } $tick->(); };
    $| = 1;
    my @ways = (['short', 9, sub { print "short runs\\n" }], ['stubborn', 0.2, $stubborn], ['second', 9, sub { }]);
    my @all = try_ways(\\@ways, 2, 0, sub { print "began $_[0]\\n" }, sub { print "prepared\\n" }, sub { print "over $_[0]\\n" });
    print "untried @all\\n";
    @all = try_ways([['late', 9, sub { print "late runs\\n" }]], 1, -1, sub { }, sub { }, sub { });
    print "untried @all\\n";
  `;
  const printed = execFileSync('perl', ['-e', program], { encoding: 'utf8' });
  expect(printed.match(/^(?:began|over) .*$/gm)?.sort()).toEqual(
    ['began second', 'began short', 'began stubborn', 'over second', 'over short', 'over stubborn'].sort(),
  );
  expect(printed).toContain('short runs');
  expect(printed).not.toContain('late runs');
  expect(printed.match(/^untried .*$/gm)).toEqual(['untried ', 'untried late']);
  const left = Number(/^left (\d+)$/m.exec(printed)?.[1]);
  expect(left).toBeGreaterThan(1);
  // Its end is told to whoever adopted it, some time after it was told to end.
  while (stateOf(left) !== 'ended') await new Promise((resolve) => setTimeout(resolve, 20));
});
