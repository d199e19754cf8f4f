// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { campaignOrderCommand } from '../campaign-order-command';
import type { Cli } from '../cli';

export const resumeCampaign = (cli: Cli): Command =>
  campaignOrderCommand(
    cli,
    'resume',
    'let a campaign go on; where a member is in trouble with a reason, and that one holds nobody any more',
    ({ campaigns, signal }, { id, reason }) => campaigns.resumeCampaign({ id, reason }, { signal }),
  );
