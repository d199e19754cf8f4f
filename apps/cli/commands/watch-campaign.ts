// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { followCampaign } from '../follow-campaign';

export const watchCampaign = (cli: Cli): Command =>
  leafCommand(
    'watch',
    'follow a campaign to its end, or until it halts (exit 5); exit 1 if it ends otherwise than well',
  )
    .argument('<campaign>', 'id')
    .action((id: string, options: LeafOptions) => cli.run(options, (context) => followCampaign(context, id)));
