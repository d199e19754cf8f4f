// SPDX-License-Identifier: GPL-2.0-only
import type { Operator } from './operator';
import type { Cleanup } from './processes';

export interface Stage {
  /** The repository. */
  readonly root: string;
  readonly workDir: string;
  readonly cleanup: Cleanup;
  readonly signal: AbortSignal;
}

export interface DemoStage extends Stage {
  /** Told as soon as there is a control plane to look at: what comes then is to be seen on its console. */
  readonly showConsole: (operator: Operator) => Promise<void>;
}

export interface StoryEnd {
  readonly table: string;
  /** What is printed where nothing deviates. */
  readonly line: string;
  readonly deviations: readonly string[];
}
