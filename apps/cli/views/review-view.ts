// SPDX-License-Identifier: GPL-2.0-only
import type { PlanChanges, ReviewRolloutResponse } from '@lockstep/contracts/generated';
import { counted, visibleLine } from '@lockstep/domain/visible-text';
import { toDocument } from '../document';
import { showTime } from '../table';
import { approvalLines } from './approvals-view';
import { stepsTable, tornLine } from './plan-view';
import { rolloutDocument, waveLines } from './rollout-view';

export const reviewDocument = (review: ReviewRolloutResponse): object => ({
  ...(toDocument(review) as object),
  rollout: review.rollout === undefined ? null : rolloutDocument(review.rollout),
});

function changeLines(since: string, { changes, more }: PlanChanges): string[] {
  if (changes.length === 0) return [`Nothing is otherwise than in ${since}.`];
  const lines = changes.map((change) => visibleLine(`  ${change}`));
  return [`Otherwise than in ${since}:`, ...lines, ...(more === 0 ? [] : [`  And ${more} more.`])];
}

/** What is about to be done, by whom, and what is otherwise than it was. */
export function reviewText(review: ReviewRolloutResponse): string {
  const { rollout, torn, sinceApproved, sinceLast } = review;
  if (rollout === undefined) return 'No rollout.';
  return [
    `Rollout ${rollout.id} of ${rollout.cluster} to position ${rollout.toSeq}: ${counted(rollout.nodes.length, 'node')}.`,
    ...waveLines(rollout),
    ...torn.map(tornLine),
    ...(sinceApproved === undefined
      ? []
      : changeLines(`the plan that was approved ${showTime(sinceApproved.at)}, which counts no more`, sinceApproved)),
    ...(sinceLast === undefined
      ? ['It is the first of this load order.']
      : changeLines(`rollout ${sinceLast.rollout}, the last that succeeded`, sinceLast)),
    ...approvalLines(rollout),
    '',
    stepsTable(review),
  ].join('\n');
}
