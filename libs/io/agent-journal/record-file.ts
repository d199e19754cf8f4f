// SPDX-License-Identifier: GPL-2.0-only
import { open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { errorCode, makeFolder, syncFolder } from '@lockstep/platform/runtime';
import { encodeMark, encodeRecords, headerBytes, readJournal } from './record-lines';

/** The part of a FileHandle that writing needs; tests put failing disks in its place. */
export interface RecordHandle {
  write(bytes: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesWritten: number }>;
  truncate(length: number): Promise<void>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

export type OpenRecordHandle = (file: string) => Promise<RecordHandle>;

const openReadWrite: OpenRecordHandle = (file) => open(file, 'r+');

/** The whole file or, after a crash, the one before. */
async function writeWhole(file: string, bytes: Buffer): Promise<void> {
  await makeFolder(path.dirname(file));
  const draft = `${file}.new`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  await syncFolder(path.dirname(file));
}

async function readOrCreate(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    await writeWhole(file, headerBytes);
    return headerBytes;
  }
}

/** An append-only file of JSON records. What `append` returned from survives a crash at any instant. */
export class RecordFile {
  private handle: RecordHandle | undefined;

  private constructor(
    private readonly file: string,
    private readonly openHandle: OpenRecordHandle,
    private count: number,
    /** Where the next record goes; bytes beyond it are of no account. */
    private endBytes: number,
  ) {}

  /** @throws LockstepError `corrupt`; a torn tail is cut off. */
  static async open(
    file: string,
    openHandle: OpenRecordHandle = openReadWrite,
  ): Promise<{ readonly journal: RecordFile; readonly records: readonly unknown[] }> {
    const { records, wholeBytes } = readJournal(await readOrCreate(file), file);
    return { journal: new RecordFile(file, openHandle, records.length, wholeBytes), records };
  }

  /**
   * All of them in order, on disk when it returns; after an error none is, and the next append starts over.
   * @throws LockstepError `unavailable` with the disk's error as cause.
   */
  async append(payloads: readonly unknown[]): Promise<void> {
    const bytes = encodeRecords(payloads);
    try {
      const handle = await this.cleanHandle();
      await this.write(handle, bytes, this.endBytes);
      await handle.datasync();
      this.endBytes += bytes.length;
      this.count += payloads.length;
    } catch (cause) {
      await this.close();
      const code = errorCode(cause);
      throw new LockstepError(
        'unavailable',
        code === 'ENOSPC' || code === 'EDQUOT' ? 'disk-full' : 'journal-write-failed',
        `Could not write to ${this.file}: ${cause instanceof Error ? cause.message : String(code)}.`,
        { file: this.file },
        { cause },
      );
    }
    await this.writeMark();
  }

  /** Only these from now on; a crash leaves either all of the old ones or all of these. */
  async replaceWith(payloads: readonly unknown[]): Promise<void> {
    await this.close();
    const bytes = Buffer.concat([headerBytes, encodeRecords(payloads), encodeMark(payloads.length)]);
    await writeWhole(this.file, bytes);
    this.endBytes = bytes.length;
    this.count = payloads.length;
  }

  async close(): Promise<void> {
    const { handle } = this;
    this.handle = undefined;
    await handle?.close().catch(() => undefined);
  }

  /** A handle of a file that ends where it should: a torn tail or a failed append is cut off for good first. */
  private async cleanHandle(): Promise<RecordHandle> {
    if (this.handle !== undefined) return this.handle;
    const handle = await this.openHandle(this.file);
    this.handle = handle;
    await handle.truncate(this.endBytes);
    await handle.datasync();
    return handle;
  }

  private async write(handle: RecordHandle, bytes: Buffer, position: number): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }

  /** Tells later readings that damage before it is damage. Losing a mark loses no record, so nothing waits for it. */
  private async writeMark(): Promise<void> {
    const bytes = encodeMark(this.count);
    try {
      const handle = await this.cleanHandle();
      await this.write(handle, bytes, this.endBytes);
      this.endBytes += bytes.length;
    } catch {
      await this.close();
    }
  }
}
