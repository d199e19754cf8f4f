// SPDX-License-Identifier: GPL-2.0-only
import { execFile } from 'node:child_process';

/** It answers at once, but everything on the machine is being stopped just then; systemd waits longer for us than this. */
const answerWithinMs = 10_000;

/** Whether systemd is bringing the machine down, and so ends this process; false where there is no systemd. */
export function isMachineStopping(): Promise<boolean> {
  return new Promise((resolve) => {
    // It ends with an error unless all is well: only what it says counts.
    execFile('systemctl', ['is-system-running'], { timeout: answerWithinMs }, (_, stdout) => {
      resolve(stdout.trim() === 'stopping');
    });
  });
}
