// SPDX-License-Identifier: GPL-2.0-only
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { buildError } from './failure';
import { describeLimit, limitIn, watchLimits, type LimitName, type Limits } from './limits';
import { killGroup, spawnGroup } from './process-groups';

/** What a command may take, and how to say who took it. */
export interface LimitOptions {
  readonly limits: Limits;
  /** What runs, for a person: `the compiler of fs/proc/meminfo.o`. */
  readonly what: string;
  /** Where it may write. */
  readonly folders: readonly string[];
}

export interface CommandOptions {
  cwd?: string | undefined;
  env?: NodeJS.ProcessEnv | undefined;
  signal?: AbortSignal | undefined;
  onLine?: ((line: string) => void) | undefined;
  /** Given to the command as descriptor 3, so that a lock held through it lasts as long as the command does. */
  inheritedDescriptor?: number | undefined;
  limited?: LimitOptions | undefined;
}

export interface CommandResult {
  /** Exit code; 128 and the signal's place where a signal ended it, as a shell says it. */
  status: number;
  /** Standard output and error as they came, in order. */
  output: string;
}

/**
 * All that a command is told by its environment: nothing of this process's, which may hold passwords, but where programs
 * are and where temporary files go. In C locale.
 */
export function buildEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'TMPDIR'].map((name) => [name, process.env[name]] as const);
  return { ...Object.fromEntries(kept.filter(([, value]) => value !== undefined)), LC_ALL: 'C', LANG: 'C' };
}

/** The same for a program that fetches something: with the ways to the network that the operator has set. */
export function networkEnvironment(): NodeJS.ProcessEnv {
  const ways = Object.entries(process.env).filter(([name]) => /^(?:https?|ftp|all|no)_proxy$|^APT_CONFIG$/i.test(name));
  return { ...buildEnvironment(), ...Object.fromEntries(ways) };
}

/**
 * Runs a program to its end. An abort kills its whole process group, then rejects with the signal's reason.
 * @throws NodeJS.ErrnoException with code ENOENT where the program is missing
 * @throws LockstepError `limit-exceeded`
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  options.signal?.throwIfAborted();
  // An abort reaches the compilers that make started.
  const child = spawnGroup(program, args, {
    cwd: options.cwd,
    env: options.env ?? buildEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe', options.inheritedDescriptor ?? 'ignore'],
  });
  const kill = (): void => {
    killGroup(child);
  };
  options.signal?.addEventListener('abort', kill, { once: true });
  const limited = new LimitedChild(child, options.limited);
  const { onLine } = options;
  if (onLine !== undefined && child.stdout !== null) createInterface({ input: child.stdout }).on('line', onLine);
  try {
    const status = await statusOf(child);
    options.signal?.throwIfAborted();
    const output = limited.output();
    limited.refuse(status, output);
    return { status, output };
  } finally {
    limited.stop();
    options.signal?.removeEventListener('abort', kill);
  }
}

/** A child's output, and the limit that it passed. */
class LimitedChild {
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private hit: LimitName | undefined;
  readonly stop: () => void;

  constructor(
    child: ChildProcess,
    private readonly limited: LimitOptions | undefined,
  ) {
    const onHit = (name: LimitName): void => {
      this.hit ??= name;
      killGroup(child);
    };
    const { limits, folders = [] } = limited ?? {};
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.size += chunk.length;
        if (this.size > (limits?.outputBytes ?? Infinity)) onHit('output');
        else this.chunks.push(chunk);
      });
    }
    this.stop =
      limits === undefined || child.pid === undefined
        ? () => undefined
        : watchLimits(child.pid, limits, folders, onHit);
  }

  output(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }

  /** @throws LockstepError `limit-exceeded`, where a limit ended it or it complains of one */
  refuse(status: number, output: string): void {
    if (this.limited === undefined || status === 0) return;
    const { limits, what } = this.limited;
    const limit = this.hit ?? limitIn(output);
    if (limit === undefined) return;
    throw buildError({ kind: 'limit-exceeded', what, limit, allowed: describeLimit(limit, limits) });
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
