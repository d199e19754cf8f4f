// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { approvalsText } from '../views/approvals-view';

export const showApprovals = (cli: Cli): Command =>
  viewCommand('approvals', 'say who has approved a rollout, until when that counts, and how many are missing')
    .argument('<rollout>', 'id')
    .action((id: string, options: LeafOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { rollout } = await fleet.getRollout({ id }, { signal });
        if (rollout === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no rollout.');
        const { approvals } = rollout;
        return {
          document: { rollout: id, approvals: toDocument(approvals) ?? null },
          text: approvalsText(rollout),
          names: [id],
        };
      }),
    );
