// SPDX-License-Identifier: GPL-2.0-only
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { readKernelLogRecord, type KernelTrouble } from '@lockstep/domain/livepatch-model';
import { errorCode } from '@lockstep/platform/runtime';

/** The kernel gives one record a read, of at most 8 KiB, or refuses a smaller buffer. */
const recordBytes = 8_192;
/** A kernel that writes faster than it is read keeps nobody at it for ever: the next look goes on there. */
const defaultMostAtOnce = 10_000;

/** The kernel's log (/dev/kmsg), read on from where it was left; the last complaint in it is kept. */
export class KernelLog {
  private handle: FileHandle | undefined;
  private last: KernelTrouble | undefined;

  /** @param dev where devices are; undefined: there is no log to read. */
  constructor(
    private readonly dev: string | undefined,
    private readonly bootId: () => Promise<string>,
    private readonly mostAtOnce = defaultMostAtOnce,
  ) {}

  /** The last that the kernel has complained about in this boot; undefined of a log that cannot be read, too. */
  async lastTrouble(): Promise<KernelTrouble | undefined> {
    if (this.dev === undefined) return undefined;
    try {
      this.handle ??= await open(path.join(this.dev, 'kmsg'), constants.O_RDONLY | constants.O_NONBLOCK);
      for (let read = 0; read < this.mostAtOnce && (await this.readOne(this.handle)); read += 1);
    } catch (error) {
      if (!['ENOENT', 'EACCES', 'EPERM'].includes(errorCode(error) ?? '')) throw error;
    }
    return this.last;
  }

  async close(): Promise<void> {
    await this.handle?.close();
    this.handle = undefined;
  }

  /** @returns whether there may be more. */
  private async readOne(handle: FileHandle): Promise<boolean> {
    const buffer = Buffer.allocUnsafe(recordBytes);
    try {
      const { bytesRead } = await handle.read(buffer, 0, recordBytes, null);
      if (bytesRead === 0) return false;
      const found = readKernelLogRecord(buffer.toString('utf8', 0, bytesRead));
      if (found !== undefined) {
        const { seq, kind, message } = found;
        this.last = { id: `${await this.bootId()}/${seq}`, kind, message };
      }
      return true;
    } catch (error) {
      // EPIPE: what came next was overwritten before it was read; the next read goes on after that.
      if (errorCode(error) === 'EPIPE') return true;
      if (errorCode(error) === 'EAGAIN') return false;
      throw error;
    }
  }
}
