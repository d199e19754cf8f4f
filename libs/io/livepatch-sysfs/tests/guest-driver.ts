// SPDX-License-Identifier: GPL-2.0-only
import type { ModuleName } from '@lockstep/domain/livepatch-model';
import type { Transition } from '@lockstep/domain/node-state';
import type { LoadRequest } from '../livepatch-kernel';
import { createModuleCalls } from '../module-calls';
import { SysfsKernel } from '../sysfs-kernel';
import { TransitionFailure } from '../transition-failure';

// Runs inside a machine: carries out the steps given as JSON on its command line, prints the answers as JSON.

export type Step =
  | { readonly do: 'identity' | 'observe' | 'lastTransition' | 'obstacles' }
  | { readonly do: 'estimate'; readonly lookups: number }
  | { readonly do: 'unload' | 'settle'; readonly module: ModuleName; readonly limitMs?: number }
  | { readonly do: 'load'; readonly request: LoadRequest; readonly parameters: readonly string[] };

export interface Script {
  readonly transitionTimeoutMs: number;
  /** Of a load's system call; undefined: by what it is expected to take. */
  readonly loadLimitMs?: number;
  readonly steps: readonly Step[];
}

/** What a step returned, or the error it threw. */
export interface Answer {
  readonly value?: unknown;
  readonly error?: { readonly reason: string; readonly message: string; readonly fields: Record<string, unknown> };
  /** Of a transition that was taken back. */
  readonly transition?: Transition;
}

async function run({ transitionTimeoutMs, loadLimitMs: limitMs, steps }: Script): Promise<Answer[]> {
  let parameters: readonly string[] = [];
  const calls = createModuleCalls(() => parameters);
  const limits = limitMs === undefined ? {} : { loadLimitMs: () => limitMs };
  const kernel = new SysfsKernel({ calls, transitionTimeoutMs, ...limits });
  const carryOut = (step: Step): Promise<unknown> => {
    switch (step.do) {
      case 'identity':
      case 'observe':
      case 'lastTransition':
      case 'obstacles':
        return kernel[step.do]();
      case 'estimate':
        return kernel.estimate(step);
      case 'unload':
      case 'settle':
        return kernel[step.do](step.module, step.limitMs);
      case 'load':
        parameters = step.parameters;
        return kernel.load(step.request);
    }
  };
  const answers: Answer[] = [];
  for (const step of steps) {
    answers.push(
      await carryOut(step).then(
        (value): Answer => ({ value }),
        (thrown: unknown): Answer => {
          const { reason, message, fields } = thrown as NonNullable<Answer['error']>;
          const { transition } = thrown instanceof TransitionFailure ? thrown : {};
          return { error: { reason, message, fields }, ...(transition === undefined ? {} : { transition }) };
        },
      ),
    );
  }
  return answers;
}

run(JSON.parse(process.argv[2] ?? '') as Script).then(
  (answers) => {
    process.stdout.write(JSON.stringify(answers));
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
