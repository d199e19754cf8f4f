// SPDX-License-Identifier: GPL-2.0-only
import { execFile } from 'node:child_process';
import { bundle } from './fleet-kernel';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A build's whole log and more. */
const longestOutputBytes = 256 * 1024 * 1024;

/** Runs the real `lockstep` command against the control plane of that state folder, as an operator on its machine. */
export function runLockstep(
  stateDir: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const env = { PATH: process.env['PATH'] ?? '', LOCKSTEP_STATE_DIR: stateDir, ...more };
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [bundle('lockstep'), ...args],
      { env, maxBuffer: longestOutputBytes },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        if (typeof code === 'number') resolve({ code, stdout, stderr });
        else reject(error ?? new Error('no exit code'));
      },
    );
  });
}
