// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { campaignOrderCommand } from '../campaign-order-command';
import type { Cli } from '../cli';

export const approveCampaign = (cli: Cli): Command =>
  campaignOrderCommand(
    cli,
    'approve',
    'give your word for all that a campaign would do: it counts in each of its clusters',
    ({ campaigns, signal }, order) => campaigns.approveCampaign(order, { signal }),
  ).requiredOption('--plan <hash>', 'of what you have looked at, as `campaign show` says it');
