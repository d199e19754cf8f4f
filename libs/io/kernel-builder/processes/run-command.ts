// SPDX-License-Identifier: GPL-2.0-only
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface CommandOptions {
  cwd?: string | undefined;
  env?: NodeJS.ProcessEnv | undefined;
  signal?: AbortSignal | undefined;
  onLine?: ((line: string) => void) | undefined;
  /** Given to the command as descriptor 3, so that a lock held through it lasts as long as the command does. */
  inheritedDescriptor?: number | undefined;
}

export interface CommandResult {
  /** Exit code; 128 and the signal's place where a signal ended it, as a shell says it. */
  status: number;
  /** Standard output and error as they came, in order. */
  output: string;
}

/** A make that this process may itself be running under must not steer the one we start. */
const steering = new Set(['MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'KBUILD_OUTPUT', 'ARCH', 'CROSS_COMPILE', 'KCFLAGS']);

/** This process's environment without what would change a build, and in C locale. */
export function buildEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !steering.has(name));
  return { ...Object.fromEntries(kept), LC_ALL: 'C', LANG: 'C' };
}

/**
 * Runs a program to its end. An abort kills its whole process group, then rejects with the signal's reason.
 * @throws NodeJS.ErrnoException with code ENOENT where the program is missing
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  options.signal?.throwIfAborted();
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ?? buildEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe', options.inheritedDescriptor ?? 'ignore'],
    // Its own group, so that an abort reaches the compilers that make started.
    detached: true,
  });
  const kill = (): void => {
    killGroup(child);
  };
  options.signal?.addEventListener('abort', kill, { once: true });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  }
  const { onLine } = options;
  if (onLine !== undefined && child.stdout !== null) createInterface({ input: child.stdout }).on('line', onLine);
  try {
    const status = await statusOf(child);
    options.signal?.throwIfAborted();
    return { status, output: Buffer.concat(chunks).toString('utf8') };
  } finally {
    options.signal?.removeEventListener('abort', kill);
  }
}

/** Kills a program that was started detached, and all that it started. */
export function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

/** How a program ends; its streams have ended then too. Rejects where it cannot be started. */
export async function statusOf(child: ChildProcess): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve(code ?? 128 + (signal === 'SIGKILL' ? 9 : 15));
    });
  });
}
