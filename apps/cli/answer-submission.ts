// SPDX-License-Identifier: GPL-2.0-only
import { Priority, type Build, type Patch } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { Answer, TaskContext } from './cli';
import { toDocument } from './document';
import { followBuild, hasFailed } from './follow-build';
import { shortId } from './table';
import { buildDocument, buildTable, buildText } from './views/build-view';

const priorities: Readonly<Record<string, Priority>> = {
  high: Priority.PRIORITY_HIGH,
  normal: Priority.PRIORITY_NORMAL,
  low: Priority.PRIORITY_LOW,
};

export const priorityOption = ['--priority <priority>', 'high, normal or low (default: normal)', readPriority] as const;

function readPriority(text: string): Priority {
  const priority = priorities[text];
  if (priority !== undefined) return priority;
  throw new LockstepError('invalid-input', 'usage', `"${text}" is no priority: use high, normal or low.`, { text });
}

/** Names the patch, follows its builds if they are waited for, and answers how they stand. */
export async function answerSubmission(
  context: TaskContext,
  { patch, builds: queued }: { readonly patch?: Patch | undefined; readonly builds: readonly Build[] },
  wait: boolean,
): Promise<Answer> {
  context.screen.say(`Patch ${patch?.name ?? ''} (${shortId(patch?.id ?? '')})`);
  const builds: Build[] = [];
  for (const build of queued) builds.push(wait ? await followBuild(context, build.id) : build);
  const failed = builds.filter(hasFailed);
  return {
    document: { patch: toDocument(patch), builds: builds.map(buildDocument) },
    text: [buildTable(builds), ...failed.map(buildText)].join('\n\n'),
    hasFailed: failed.length > 0,
  };
}
