// SPDX-License-Identifier: GPL-2.0-only
import { spawn } from 'node:child_process';
import type { ProbeCommand } from './probe-commands';
import { ended, type ProbeOutcome } from './probe-outcome';

/** As much of what it says is kept. */
const longestOutput = 200;

/** It says itself that it could not measure (EX_TEMPFAIL of sysexits.h); a shell says the others of what it cannot run. */
const errorCodes: ReadonlySet<number> = new Set([75, 125, 126, 127]);

function outcomeOf(code: number | null, signal: NodeJS.Signals | null, output: string): ProbeOutcome {
  const [said = ''] = output.trim().split('\n');
  const words = said === '' ? '' : `: ${said}`;
  if (code === 0) return { verdict: 'pass', message: '' };
  if (code === null) return { verdict: 'error', message: `it was ended by ${signal ?? 'somebody'}${words}` };
  return { verdict: errorCodes.has(code) ? 'error' : 'fail', message: `exit ${code}${words}` };
}

/** Those that were killed and have not gone: the kernel keeps them. Another one would only be kept beside it. */
const running = new Set<string>();

/** What a script has left running would be more with each turn. */
function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    // As long as one of them lives the number is theirs; where none does it is taken anew only after all others.
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Nobody is left, or it has other rights by now.
  }
}

/**
 * In a process group of its own, which is killed as one when its time is over or it has ended: what a script has started ends
 * with it.
 * @param signal aborted when its time is over, or nobody asks any more
 */
export function runCommand({ program, args }: ProbeCommand, signal: AbortSignal): Promise<ProbeOutcome> {
  const key = JSON.stringify([program, ...args]);
  if (running.has(key)) {
    return Promise.resolve({ verdict: 'error', message: 'the one before was killed, and has not gone yet' });
  }
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      ...{ detached: true, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] },
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
    });
    running.add(key);
    let output = '';
    const hear = (chunk: Buffer): void => {
      if (output.length < longestOutput) output = `${output}${chunk.toString('utf8')}`.slice(0, longestOutput);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const settle = (outcome: ProbeOutcome): void => {
      signal.removeEventListener('abort', kill);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(outcome);
    };
    const kill = (): void => {
      // Not reaped yet: the number is still its own.
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid, 'SIGKILL');
      }
      settle(ended);
    };
    signal.addEventListener('abort', kill, { once: true });
    if (signal.aborted) kill();
    child.on('error', (error) => {
      running.delete(key);
      settle({ verdict: 'error', message: `it cannot be run: ${error.message}` });
    });
    child.on('exit', (code, by) => {
      running.delete(key);
      endGroup(child.pid);
      // What it wrote last is on its way.
      setImmediate(() => {
        settle(outcomeOf(code, by, output));
      });
    });
  });
}
