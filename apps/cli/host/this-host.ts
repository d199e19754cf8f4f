// SPDX-License-Identifier: GPL-2.0-only
import { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { SysfsKernel } from '@lockstep/io/livepatch-sysfs';
import { estimateLines } from '../views/host-view';
import type { Cli, HostMachine, LeafOptions, LocalContext } from '../cli';

const thisHost: HostMachine = {
  isRoot: process.getuid?.() === 0,
  openKernel: (options) => new SysfsKernel(options),
};

export const hostOf = ({ host }: Cli): HostMachine => host ?? thisHost;

export type HostOptions = Pick<LeafOptions, 'json'>;

export interface TransitionOptions extends HostOptions {
  readonly timeoutSeconds: number;
  readonly mayInterrupt?: boolean;
}

export const timeoutOption = [
  '--timeout-seconds <seconds>',
  'how long tasks may take to leave the functions; after that it is taken back',
] as const;
export const defaultTimeoutSeconds = 60;

/** A command about this machine's own kernel: it needs no control plane and no token. */
export const hostCommand = (name: string, description: string): Command =>
  new Command(name).description(description).option('--json', 'print one JSON document');

/** @throws LockstepError `forbidden` `not-root`. */
export function requireRoot(host: HostMachine, command: string): void {
  if (host.isRoot) return;
  const message = `Only root may change what the kernel runs: sudo lockstep host ${command} …`;
  throw new LockstepError('forbidden', 'not-root', message, { command });
}

/** The kernel, with the progress of a transition on the screen while `work` goes on; Ctrl-C takes the transition back. */
export async function withTransition<T>(
  host: HostMachine,
  { screen, signal }: LocalContext,
  { title, timeoutSeconds }: { readonly title: string; readonly timeoutSeconds: number },
  work: (kernel: SysfsKernel) => Promise<T>,
): Promise<T> {
  const progress = screen.progress(title);
  const kernel = host.openKernel({
    signal,
    onLoading: (estimate) => {
      const [detail] = estimateLines(estimate);
      if (detail !== undefined) progress.update({ done: 0, total: timeoutSeconds, detail });
    },
    transitionTimeoutMs: timeoutSeconds * 1000,
    onWaiting: ({ elapsedMs, blocking }) => {
      const detail = blocking.length === 0 ? '' : `waits for ${blocking.join(', ')}`;
      progress.update({ done: Math.floor(elapsedMs / 1000), total: timeoutSeconds, detail });
    },
  });
  try {
    return await work(kernel);
  } finally {
    progress.stop();
  }
}
