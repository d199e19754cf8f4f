// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createCli } from './cli';
import { writeNewFile } from './file-fault';
import { runProgram } from './program';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-files-'));
  writeFileSync(path.join(folder, 'taken'), 'mine');
  for (const file of ['token', 'ca.crt']) writeFileSync(path.join(folder, file), 'x');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function lockstep(...args: string[]) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const env = {
    LOCKSTEP_CONTEXTS: path.join(folder, 'contexts.yaml'),
    LOCKSTEP_SERVER: '127.0.0.1:1',
    LOCKSTEP_TOKEN_FILE: path.join(folder, 'token'),
    LOCKSTEP_CA_FILE: path.join(folder, 'ca.crt'),
  };
  const cli = createCli({ stdout, stderr, env, signal: new AbortController().signal });
  const code = await runProgram(cli, args);
  return { code, stderr: String((stderr.read() as Buffer | null) ?? '') };
}

const at = (name: string): string => path.join(folder, name);

describe('a file that cannot be used is told in words', () => {
  const token = ['token', 'create', 'ci', '--service', 'ci', '--role', 'viewer', '--everywhere'];
  it.each([
    ['a secret over a file', () => [...token, '--out', at('taken')], /taken cannot be written: it is there already/],
    ['a secret into no folder', () => [...token, '--out', at('no/file')], /file cannot be written: there is no such/],
    [
      'a certificate',
      () => [...token, '--certificate-out', at('taken')],
      /taken cannot be written: it is there already/,
    ],
    ['an export over a file', () => ['audit', 'export', at('taken')], /taken: it is there already/],
    ['a key', () => ['audit', 'verify', '--file', at('none'), '--key', at('none')], /none: there is no such file/],
    [
      'a diff',
      () => ['patch', 'submit', at('none')],
      /The diff .*none cannot be read: there is no such file or folder\.\n/,
    ],
    ['a folder for a diff', () => ['patch', 'submit', folder], /cannot be read: it is a folder\.\n/],
    ['a token', () => ['node', 'ls', '--token-file', at('none')], /The token file .* there is no such file/],
    [
      'a fix list',
      () => ['node', 'reboot-needed', '--next-kernel', 'a', '--fixes', at('none')],
      /there is no such file/,
    ],
    [
      'a secret of a webhook',
      () => ['webhook', 'add', 'p', 'https://p.example', '--secret-file', at('none')],
      /no such/,
    ],
    [
      'a list to sign',
      () => ['build-key', 'sign', at('none'), '--key', at('none')],
      /none cannot be read: there is no/,
    ],
    ['a build key', () => ['build-key', 'create', at('taken')], /taken cannot be written: it is there already/],
  ])(
    '%s',
    async (_, args, words) => {
      const { code, stderr } = await lockstep(...args());
      expect(stderr).toMatch(words);
      expect(stderr).not.toMatch(/\bE[A-Z]{4,}\b|, open '|\n\s+at /);
      expect([1, 2]).toContain(code);
    },
    120_000,
  );
});

it('makes no public key beside a private one that is another', async () => {
  expect((await lockstep('build-key', 'create', at('taken'))).code).toBe(2);
  expect(existsSync(at('taken.pub'))).toBe(false);
  writeFileSync(at('new.pub'), 'of another');
  expect((await lockstep('build-key', 'create', at('new'))).code).toBe(2);
  expect([existsSync(at('new')), readFileSync(at('new.pub'), 'utf8')]).toEqual([false, 'of another']);
});

it('leaves nothing of an export that did not come to its end, so that it can be tried again', async () => {
  const { code } = await lockstep('audit', 'export', at('log.jsonl'), '--timeout', '100ms');
  expect(code).not.toBe(0);
  expect(readdirSync(folder)).not.toContain('log.jsonl');
});

it('writes a file that is not there, and none that is', async () => {
  await writeNewFile(at('fresh'), 'text', 0o600);
  expect(await readFile(at('fresh'), 'utf8')).toBe('text');
  await expect(writeNewFile(at('fresh'), 'other', 0o600)).rejects.toThrow('it is there already');
  expect(await readFile(at('fresh'), 'utf8')).toBe('text');
});
