// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { campaignOrderCommand } from '../campaign-order-command';
import type { Cli } from '../cli';

export const abortCampaign = (cli: Cli): Command =>
  campaignOrderCommand(
    cli,
    'abort',
    'end a campaign for good: its rollouts that have not ended are aborted',
    ({ campaigns, signal }, { id, reason }) => campaigns.abortCampaign({ id, reason }, { signal }),
  );
