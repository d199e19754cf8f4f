// SPDX-License-Identifier: GPL-2.0-only
import { storableText } from '@lockstep/platform/runtime';
import type { WorkQueue } from './job-parts';
import type { JobLogLine, JobProgress } from './jobs';
import { rootOf, type Entry } from './queued-job';

const progressIntervalMs = 200;
/** What a job says beyond this is not kept. Lines that are kept keep their numbers: by them a watcher goes on where it was. */
const keptLines = 10_000;
const fullText = `This log holds ${keptLines} lines, and no more are kept: what follows is not shown.`;
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
  JSON.stringify([at.getTime(), worker, storableText(text.slice(0, lineLimit))]);

export function lineFromText(row: string): JobLogLine {
  const [at, worker, text] = JSON.parse(row) as [number, string, string];
  return { at: new Date(at), worker, text };
}

/**
 * Parts of one job write into one log: on PostgreSQL two that write at once can meet, and one is to try again.
 * @returns how many lines the log has then; undefined where the line was not told.
 */
async function tellLine(queue: WorkQueue, root: string, line: JobLogLine): Promise<number | undefined> {
  for (let tries = 1; tries <= lineTries; tries += 1) {
    const count = await queue.addJobLog(root, lineToText(line)).catch(() => undefined);
    if (count !== undefined) return count;
    await new Promise((resolve) => setTimeout(resolve, 10 * tries));
  }
  return undefined;
}

export function reporterOf(queue: WorkQueue, entry: Entry, worker: string): Reporter {
  const root = rootOf(entry.id ?? '');
  let newest: JobProgress | undefined;
  let lines: JobLogLine[] = [];
  let sending: Promise<void> | undefined;
  let ended = false;
  let isFull = false;
  const tell = async (line: JobLogLine): Promise<void> => {
    if (isFull) return;
    const count = (await tellLine(queue, root, line)) ?? 0;
    isFull = count >= keptLines;
    // Of those who write into it, one wrote the last line.
    if (count === keptLines) await tellLine(queue, root, { ...line, text: fullText });
  };
  const send = async (): Promise<void> => {
    while (newest !== undefined || lines.length > 0) {
      const progress = newest;
      const now = lines;
      newest = undefined;
      lines = [];
      // For people: a job does not fail because it could not be told.
      for (const line of now) await tell(line);
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
