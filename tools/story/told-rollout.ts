// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { StoryFault, type People } from './people';

const reason = z.object({ reason: z.string(), message: z.string() }).nullable();

/** What the story looks at of `lockstep rollout show --json`. */
const form = z.object({
  id: z.string(),
  status: z.string(),
  nodes: z.array(z.object({ node: z.string(), wave: z.number(), position: z.number(), notYet: reason })),
  halt: reason,
  waiting: reason,
  approvals: z.object({ planHash: z.string(), given: z.number() }).nullable(),
});

export type ToldRollout = z.infer<typeof form>;

const list = z.object({ rollouts: z.array(z.object({ id: z.string() })) });

/** A slow machine under load is no fault of the story's. */
export const patienceMs = 300_000;

const howFar = ({ status, nodes, waiting }: ToldRollout): string => {
  const there = nodes.filter(({ notYet }) => notYet === null).length;
  const waits = waiting?.reason === 'window' || waiting?.reason === 'approval' ? `; ${waiting.message}` : '';
  return `${status}, ${there} of ${nodes.length} nodes there${waits}`;
};

export interface Watcher {
  readonly people: People;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

export const newestRollout = async (people: People, cluster: string): Promise<string> => {
  const { rollouts } = await people.ask(['rollout', 'ls', '--cluster', cluster], list);
  const [newest] = rollouts;
  if (newest === undefined) throw new StoryFault(`${cluster} has no rollout.`);
  return newest.id;
};

export const lookAt = (people: People, id: string): Promise<ToldRollout> => people.ask(['rollout', 'show', id], form);

/** Looks until it is so, and says how far it is whenever that is new. */
export async function watchUntil(
  { people, say, signal }: Watcher,
  id: string,
  what: string,
  isSo: (rollout: ToldRollout) => boolean,
): Promise<ToldRollout> {
  const deadlineMs = performance.now() + patienceMs;
  let said = '';
  for (;;) {
    const rollout = await lookAt(people, id);
    const now = howFar(rollout);
    if (now !== said) say(now);
    said = now;
    if (isSo(rollout)) return rollout;
    if (performance.now() > deadlineMs)
      throw new StoryFault(`Not within ${patienceMs / 1000} s: ${what}. It is ${now}.`);
    await sleep(1_000, undefined, { signal });
  }
}

/** Ends well, with every node there. */
export async function watchToTheEnd(watcher: Watcher, id: string): Promise<ToldRollout> {
  const end = await watchUntil(watcher, id, 'the rollout has ended', ({ status }) => status !== 'running');
  const missing = end.nodes.filter(({ notYet }) => notYet !== null);
  if (end.status === 'succeeded' && missing.length === 0) return end;
  throw new StoryFault(`Rollout ${id} ended as ${end.status}, without ${missing.map(({ node }) => node).join(', ')}.`);
}
