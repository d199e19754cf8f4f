// SPDX-License-Identifier: GPL-2.0-only
import type { Narrator } from './narrator';
import type { StoryPatches } from './patches';
import { StoryFault, type People } from './people';
import type { StoryFleet } from './story-fleet';
import type { Watcher } from './told-rollout';

export const cluster = 'web';
export const cve = 'CVE-2026-10001';

/** What the chapters are told on. */
export interface StoryStage extends Watcher {
  readonly people: People;
  readonly narrator: Narrator;
  readonly fleet: StoryFleet;
  readonly patches: StoryPatches;
  /** How many nodes there are. */
  readonly agents: number;
}

/** @throws StoryFault where it is not so. */
export function expectThat(what: string, isSo: boolean, detail: unknown): void {
  if (!isSo) throw new StoryFault(`Not as the story has it: ${what}. It is ${JSON.stringify(detail)}.`);
}
