// SPDX-License-Identifier: GPL-2.0-only
import { spawn } from 'node:child_process';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';

/**
 * An advisory lock between processes. It is flock(2) on an open file description that this process keeps: the kernel
 * drops it when the process dies, however it dies, so no stale lock is ever left behind.
 */
export class FileLock implements AsyncDisposable {
  private constructor(private readonly handle: FileHandle) {}

  /** Waits for the lock. */
  static async acquire(path: string, signal?: AbortSignal): Promise<FileLock> {
    const lock = await FileLock.take(path, ['-x'], signal);
    if (lock === undefined) throw new Error(`flock gave up on ${path}`);
    return lock;
  }

  /** Waits until nobody has the lock alone; any number may share it. */
  static async share(path: string, signal?: AbortSignal): Promise<FileLock> {
    const lock = await FileLock.take(path, ['-s'], signal);
    if (lock === undefined) throw new Error(`flock gave up on ${path}`);
    return lock;
  }

  /** Does the work under the lock. */
  static async hold<T>(path: string, work: (lock: FileLock) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const lock = await FileLock.acquire(path, signal);
    try {
      return await work(lock);
    } finally {
      await lock[Symbol.asyncDispose]();
    }
  }

  /** The lock, or undefined where another process or another holder in this one has it. */
  static async tryAcquire(path: string): Promise<FileLock | undefined> {
    return FileLock.take(path, ['-x', '-n']);
  }

  private static async take(path: string, flags: string[], signal?: AbortSignal): Promise<FileLock | undefined> {
    await mkdir(dirname(path), { recursive: true });
    // Its owner's alone: whoever can open it can keep others from it.
    const handle = await open(path, 'a', 0o600);
    try {
      const status = await flockDescriptor(handle.fd, flags, signal);
      if (status === 0) return new FileLock(handle);
      await handle.close();
      return undefined;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Give it to a command, and the lock lasts until that command's last process has ended too. */
  get descriptor(): number {
    return this.handle.fd;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close();
  }
}

/** Node has no flock(2); the program locks the description that descriptor 3 shares with ours. */
async function flockDescriptor(descriptor: number, flags: string[], signal?: AbortSignal): Promise<number> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn('flock', [...flags, '3'], {
      stdio: ['ignore', 'ignore', 'ignore', descriptor],
      ...(signal === undefined ? {} : { signal }),
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'ENOENT'
          ? new LockstepError('refused', 'tool-missing', 'There is no flock: install util-linux or busybox.', {
              tool: 'flock',
            })
          : error,
      );
    });
    child.once('exit', (code) => {
      resolve(code ?? 1);
    });
  });
}
