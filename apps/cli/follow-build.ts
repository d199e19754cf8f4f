// SPDX-License-Identifier: GPL-2.0-only
import { BuildStatus, type Build } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { TaskContext } from './cli';
import { buildStatusWord, logLine } from './views/build-view';

export const hasFailed = ({ status }: Build): boolean =>
  status === BuildStatus.BUILD_STATUS_FAILED || status === BuildStatus.BUILD_STATUS_CANCELLED;

/** Shows a build's progress, or what its workers say, until it has ended; answers it as it ended. */
export async function followBuild(
  { build, screen, signal }: TaskContext,
  id: string,
  show: 'progress' | 'log' = 'progress',
): Promise<Build> {
  let last: Build | undefined;
  let progress: ReturnType<typeof screen.progress> | undefined;
  try {
    for await (const { build: now, logLines } of build.watchBuild({ id, fromLine: 0 }, { signal })) {
      if (now === undefined) continue;
      last = now;
      if (show === 'log') {
        for (const line of logLines) screen.say(logLine(line));
        continue;
      }
      progress ??= screen.progress(`build ${now.patchName}`);
      const { stage = '', done = 0, total = 0 } = now.progress ?? {};
      progress.update({ done, total, detail: [buildStatusWord(now.status), stage].filter(Boolean).join(': ') });
    }
  } finally {
    progress?.stop();
  }
  if (last !== undefined) return last;
  throw new LockstepError('internal', 'no-answer', `The server said nothing about build ${id}.`, { id });
}
