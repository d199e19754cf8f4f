// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { chooseServerAccount } from './server-account';

/** As /root is, below which root may keep this repository and with it the server's programs. */
test('the account of the server is told that it may run programs below a folder that is closed to all others', async () => {
  const closed = mkdtempSync(path.join(tmpdir(), 'lockstep-closed-'));
  try {
    chmodSync(closed, 0o700);
    const program = path.join(closed, 'program');
    writeFileSync(program, '', { mode: 0o755 });
    const ask = `require('node:fs').accessSync('${program}', 1); console.log(process.getuid())`;
    const { owner, prefix } = await chooseServerAccount(path.join(closed, 'data'));
    const [command, ...args] = [...prefix, process.execPath, '-e', ask];
    expect(Number(execFileSync(command, args))).toBe(owner?.uid ?? process.getuid?.());
  } finally {
    rmSync(closed, { recursive: true });
  }
});
