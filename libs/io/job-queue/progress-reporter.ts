// SPDX-License-Identifier: GPL-2.0-only
import type { WorkQueue } from './job-parts';
import type { JobLogLine, JobProgress } from './jobs';
import { rootOf, type Entry } from './queued-job';

const progressIntervalMs = 200;
/** A job that says more than this loses its first lines. */
const keptLines = 10_000;
const lineLimit = 2_000;
const lineTries = 8;

/** Tells how a job goes on: the newest progress at intervals, and every line, in order. Never fails the job. */
export interface Reporter {
  readonly onProgress: (progress: JobProgress) => void;
  readonly log: (text: string) => void;
  /** Resolves when all lines are told. */
  end(): Promise<void>;
}

export const lineToText = ({ at, worker, text }: JobLogLine): string =>
  JSON.stringify([at.getTime(), worker, text.slice(0, lineLimit)]);

export function lineFromText(row: string): JobLogLine {
  const [at, worker, text] = JSON.parse(row) as [number, string, string];
  return { at: new Date(at), worker, text };
}

/** Parts of one job write into one log: on PostgreSQL two that write at once can meet, and one is to try again. */
async function tellLine(queue: WorkQueue, root: string, row: string): Promise<void> {
  for (let tries = 1; tries <= lineTries; tries += 1) {
    const isTold = await queue.addJobLog(root, row, keptLines).then(
      () => true,
      () => false,
    );
    if (isTold) return;
    await new Promise((resolve) => setTimeout(resolve, 10 * tries));
  }
}

export function reporterOf(queue: WorkQueue, entry: Entry, worker: string): Reporter {
  const root = rootOf(entry.id ?? '');
  let newest: JobProgress | undefined;
  let lines: JobLogLine[] = [];
  let sending: Promise<void> | undefined;
  let ended = false;
  const send = async (): Promise<void> => {
    while (newest !== undefined || lines.length > 0) {
      const progress = newest;
      const now = lines;
      newest = undefined;
      lines = [];
      // For people: a job does not fail because it could not be told.
      for (const line of now) await tellLine(queue, root, lineToText(line));
      // Progress is what makes watchers look.
      if (progress !== undefined) await entry.updateProgress(progress).catch(() => undefined);
      if (!ended) await new Promise((resolve) => setTimeout(resolve, progressIntervalMs));
    }
    sending = undefined;
  };
  const wake = (): void => {
    sending ??= send();
  };
  return {
    onProgress: (progress) => {
      newest = progress;
      wake();
    },
    log: (text) => {
      lines.push({ at: new Date(), worker, text });
      wake();
    },
    end: async () => {
      ended = true;
      newest = undefined;
      await sending;
    },
  };
}
