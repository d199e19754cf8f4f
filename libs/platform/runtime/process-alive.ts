// SPDX-License-Identifier: GPL-2.0-only
import { errorCode } from './error-code';

/** Whether a process of this number runs now, whoever it belongs to. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
