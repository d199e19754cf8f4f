// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { rolloutDocument, rolloutText } from '../views/rollout-view';

export const showRollout = (cli: Cli): Command =>
  viewCommand('show', 'show a rollout: where each node stands, whom it waits for and since when')
    .argument('<rollout>', 'id')
    .action((id: string, options: LeafOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { rollout } = await fleet.getRollout({ id }, { signal });
        if (rollout === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no rollout.');
        return { document: rolloutDocument(rollout), text: rolloutText(rollout), names: [rollout.id] };
      }),
    );
