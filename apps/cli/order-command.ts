// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { Rollout } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { followRollout } from './follow-rollout';
import { leafCommand, type Answer, type Cli, type LeafOptions, type TaskContext } from './cli';
import { rolloutDocument, rolloutText } from './views/rollout-view';

interface Options extends LeafOptions {
  readonly reason?: string;
  readonly node?: readonly string[];
  readonly plan?: string;
  readonly wait?: boolean;
}

type Give = (
  context: TaskContext,
  order: { readonly id: string; readonly reason: string; readonly nodes: string[]; readonly plan: string },
) => Promise<{ readonly rollout?: Rollout | undefined }>;

/** A command that says something to a rollout, and shows what becomes of it. */
export const orderCommand = (cli: Cli, name: string, description: string, give: Give): Command =>
  leafCommand(name, description)
    .argument('<rollout>', 'id')
    .option('--reason <text>', 'why; kept with the rollout')
    .option('--wait', 'follow it from then on to its end, or until it halts (exit 5)')
    .action((id: string, { reason = '', node = [], plan = '', wait, ...options }: Options) =>
      cli.run(options, async (context): Promise<Answer> => {
        const { rollout } = await give(context, { id, reason, nodes: [...node], plan });
        if (rollout === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no rollout.');
        if (wait === true) return followRollout(context, rollout.id);
        return { document: rolloutDocument(rollout), text: rolloutText(rollout) };
      }),
    );
