// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { Campaign } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { leafCommand, type Cli, type LeafOptions, type TaskContext } from './cli';
import { campaignDocument, campaignText } from './views/campaign-view';

interface Options extends LeafOptions {
  readonly reason?: string;
  readonly plan?: string;
}

type Give = (
  context: TaskContext,
  order: { readonly id: string; readonly reason: string; readonly planHash: string },
) => Promise<{ readonly campaign?: Campaign | undefined }>;

/** A command that says something to a campaign, and shows what becomes of it. */
export const campaignOrderCommand = (cli: Cli, name: string, description: string, give: Give): Command =>
  leafCommand(name, description)
    .argument('<campaign>', 'id')
    .option('--reason <text>', 'why; kept with the campaign')
    .action((id: string, { reason = '', plan: planHash = '', ...options }: Options) =>
      cli.run(options, async (context) => {
        const { campaign } = await give(context, { id, reason, planHash });
        if (campaign === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no campaign.');
        return { document: campaignDocument(campaign), text: campaignText(campaign) };
      }),
    );
