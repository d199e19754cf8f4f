// SPDX-License-Identifier: GPL-2.0-only
import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { makeFolder, syncFolder } from './durable-folder';

let top: string;
beforeEach(async () => {
  top = await mkdtemp(path.join(tmpdir(), 'lockstep-folder-'));
});
afterEach(() => rm(top, { recursive: true }));

describe('a folder that is made', () => {
  const made = async (folder: string): Promise<string[]> => {
    const synced: string[] = [];
    await makeFolder(folder, async (each) => {
      await syncFolder(each);
      synced.push(path.relative(top, each));
    });
    return synced.sort();
  };

  test('survives a power cut: each folder that holds a new name is on disk', async () => {
    expect(await made(path.join(top, 'a/b/c'))).toEqual(['', 'a', 'a/b']);
    expect((await stat(path.join(top, 'a/b/c'))).mode & 0o777).toBe(0o700);
  });

  test('is synced although it is there: whoever made it may have been killed before that', async () => {
    await mkdir(path.join(top, 'a'));
    expect(await made(path.join(top, 'a'))).toEqual(['']);
  });

  test('keeps the mode that it has', async () => {
    await mkdir(path.join(top, 'open'));
    await chmod(path.join(top, 'open'), 0o755);
    await makeFolder(path.join(top, 'open'));
    expect((await stat(path.join(top, 'open'))).mode & 0o777).toBe(0o755);
  });

  test('under one that may not be read is made all the same', async () => {
    const closed = async (): Promise<void> => {
      throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    };
    await makeFolder(path.join(top, 'x/y'), closed);
    expect((await stat(path.join(top, 'x/y'))).isDirectory()).toBe(true);
  });
});
