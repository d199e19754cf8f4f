// SPDX-License-Identifier: GPL-2.0-only
import { visibleJson, visibleLine, visibleText } from '@lockstep/domain/visible-text';
import { SingleBar } from 'cli-progress';

/** Where a command writes: the process's streams, or a test's. */
export type OutputStream = NodeJS.WritableStream & { readonly isTTY?: boolean };

export interface ProgressState {
  readonly done: number;
  /** 0 while unknown. */
  readonly total: number;
  readonly detail: string;
}

/** A thing that takes time: a bar on a terminal, a line for each change in a pipe, nothing where a program reads. */
export interface Progress {
  update(state: ProgressState): void;
  stop(): void;
}

/**
 * All that the CLI prints goes through here. What nodes, compilers and patches say is in it: whatever a terminal would
 * obey is shown instead.
 */
export interface Screen {
  readonly isTerminal: boolean;
  /** Text as it is made, with the line breaks it has. */
  print(text: string): void;
  /** The same for errors and warnings. */
  complain(text: string): void;
  /** A JSON document, as it was written. */
  printJson(json: string): void;
  /** Empties a terminal, for what is drawn anew. */
  clear(): void;
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
    update({ done, total, detail: said }) {
      const detail = visibleLine(said);
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

export interface Streams {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

/** @param isQuiet a program reads it: nothing but the answer is printed */
export function createScreen({ stdout, stderr }: Streams, isQuiet: boolean): Screen {
  const isTerminal = stdout.isTTY === true;
  const print = (text: string): void => {
    stdout.write(visibleText(text));
  };
  const say = (line: string): void => {
    if (!isQuiet) print(`${line}\n`);
  };
  return {
    isTerminal,
    print,
    say,
    complain(text) {
      stderr.write(visibleText(text));
    },
    printJson(json) {
      stdout.write(visibleJson(json));
    },
    clear() {
      if (isTerminal) stdout.write('\x1b[H\x1b[2J\x1b[3J');
    },
    progress(title) {
      if (isQuiet) return silent;
      return isTerminal ? barProgress(visibleLine(title), stdout) : lineProgress(title, say);
    },
  };
}
