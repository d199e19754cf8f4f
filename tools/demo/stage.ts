// SPDX-License-Identifier: GPL-2.0-only
import type { Cleanup } from './processes';

export interface Stage {
  /** The repository. */
  readonly root: string;
  readonly workDir: string;
  readonly cleanup: Cleanup;
  readonly signal: AbortSignal;
}

export interface StoryEnd {
  readonly table: string;
  /** What is printed where nothing deviates. */
  readonly line: string;
  readonly deviations: readonly string[];
  readonly stateDir: string;
}
