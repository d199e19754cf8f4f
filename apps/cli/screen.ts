// SPDX-License-Identifier: GPL-2.0-only
import { SingleBar } from 'cli-progress';

/** Where a command writes: the process's streams, or a test's. */
export type OutputStream = NodeJS.WritableStream & { readonly isTTY?: boolean };

export interface ProgressState {
  readonly done: number;
  /** 0 while unknown. */
  readonly total: number;
  readonly detail: string;
}

/** A thing that takes time: a bar on a terminal, a line for each change in a pipe, nothing under `--json`. */
export interface Progress {
  update(state: ProgressState): void;
  stop(): void;
}

export interface Screen {
  readonly isJson: boolean;
  /** A line for people, at once. */
  say(line: string): void;
  progress(title: string): Progress;
}

function barProgress(title: string, stream: NodeJS.WritableStream): Progress {
  const bar = new SingleBar({
    format: `${title} {bar} {value}/{total} {detail}`,
    stream,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: false,
    linewrap: false,
  });
  let isStarted = false;
  return {
    update({ done, total, detail }) {
      if (isStarted) bar.setTotal(Math.max(1, total));
      else bar.start(Math.max(1, total), done, { detail });
      isStarted = true;
      bar.update(done, { detail });
    },
    stop() {
      if (isStarted) bar.stop();
    },
  };
}

function lineProgress(title: string, say: (line: string) => void): Progress {
  let last = '';
  return {
    update({ done, total, detail }) {
      const count = total > 0 ? ` ${done}/${total}` : '';
      const line = `${title}${count}${detail === '' ? '' : ` ${detail}`}`;
      if (line !== last) say(line);
      last = line;
    },
    stop: () => undefined,
  };
}

const silent: Progress = { update: () => undefined, stop: () => undefined };

export function createScreen(stdout: OutputStream, isJson: boolean): Screen {
  const say = (line: string): void => {
    if (!isJson) stdout.write(`${line}\n`);
  };
  return {
    isJson,
    say,
    progress(title) {
      if (isJson) return silent;
      return stdout.isTTY === true ? barProgress(title, stdout) : lineProgress(title, say);
    },
  };
}
