// SPDX-License-Identifier: GPL-2.0-only
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { ScratchDirectory } from './scratch-directory';

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-scratch-'));
let onTestEnd = (): void => undefined;
afterAll(() => {
  onTestEnd();
  rmSync(dir, { recursive: true, maxRetries: 10 });
});

test('is made in a cache that nobody has used yet, and gone with its scope', () => {
  const cache = path.join(dir, 'cache/lockstep');
  let made: string;
  {
    using scratch = ScratchDirectory.create('first', cache);
    made = scratch.path;
    expect(path.dirname(made)).toBe(cache);
    expect(existsSync(made)).toBe(true);
  }
  expect(existsSync(made)).toBe(false);
});

/** A program that fills its folder by one of its own, and says which process that is. */
const busy = `
  import { runCommand } from '@lockstep/io/kernel-builder';
  import { ScratchDirectory } from './scratch-directory';
  const cache = process.argv[2] ?? '';
  async function main(): Promise<void> {
    using scratch = ScratchDirectory.create('busy', cache);
    const fill = 'echo $$ >../pid; n=0; while :; do mkdir $n; : >$n/file; n=$((n + 1)); [ $n != 200 ] || : >../ready; done';
    await runCommand('sh', ['-c', fill], { cwd: scratch.path });
  }
  void main();
`;

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // Ended, and not yet reaped by whoever adopted it.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
};

test('an interrupt ends the programs that fill it, removes it and says so by the exit code', async () => {
  const file = path.join(dir, 'busy.cjs');
  const cache = path.join(dir, 'interrupted');
  const stdin = { contents: busy, resolveDir: __dirname, loader: 'ts' } as const;
  const root = path.resolve(__dirname, '../..');
  await build({
    stdin,
    outfile: file,
    bundle: true,
    platform: 'node',
    packages: 'external',
    target: 'node20',
    absWorkingDir: root,
    tsconfig: path.join(root, 'tsconfig.base.json'),
    logLevel: 'error',
  });
  const child = spawn(process.execPath, [file, cache], {
    env: { ...process.env, NODE_PATH: path.join(root, 'node_modules') },
    stdio: 'inherit',
  });
  let pid = 0;
  onTestEnd = () => {
    child.kill('SIGKILL');
    if (pid !== 0 && isRunning(pid)) process.kill(pid, 'SIGKILL');
  };
  const exited = once(child, 'exit');
  await until(() => existsSync(path.join(cache, 'ready')));
  pid = Number(readFileSync(path.join(cache, 'pid'), 'utf8'));
  child.kill('SIGINT');
  const [code] = (await exited) as [number | null];
  await until(() => !isRunning(pid));
  expect(code).toBe(130);
  expect(readdirSync(cache).sort()).toEqual(['pid', 'ready']);
});
