// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { listAll } from '@lockstep/io/rpc-client';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { limitOption, type ListOptions } from '../list-options';
import { campaignDocument, campaignTable } from '../views/campaign-view';

export const listCampaigns = (cli: Cli): Command =>
  viewCommand('ls', 'list campaigns, the newest first')
    .addOption(limitOption())
    .action(({ limit, ...options }: LeafOptions & ListOptions) =>
      cli.run(options, async ({ campaigns, signal }) => {
        const all = await listAll(campaigns.listCampaigns, {}, (answer) => answer.campaigns, { signal, limit });
        return {
          document: { campaigns: all.map(campaignDocument) },
          text: campaignTable(all),
          names: all.map(({ id }) => id),
        };
      }),
    );
