// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { campaignOrderCommand } from '../campaign-order-command';
import type { Cli } from '../cli';

export const pauseCampaign = (cli: Cli): Command =>
  campaignOrderCommand(
    cli,
    'pause',
    'nobody begins any more, and the rollouts that were let go pause',
    ({ campaigns, signal }, { id, reason }) => campaigns.pauseCampaign({ id, reason }, { signal }),
  );
