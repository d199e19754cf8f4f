// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { reviewDocument, reviewText } from '../views/review-view';

export const reviewRollout = (cli: Cli): Command =>
  viewCommand('review', 'say what a rollout is about to do, and what is otherwise than it was: look before you approve')
    .argument('<rollout>', 'id')
    .action((id: string, options: LeafOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const review = await fleet.reviewRollout({ id }, { signal });
        return { document: reviewDocument(review), text: reviewText(review), names: [id] };
      }),
    );
