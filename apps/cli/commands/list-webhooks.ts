// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { webhookTable } from '../views/event-view';

export const listWebhooks = (cli: Cli): Command =>
  viewCommand('ls', 'list endpoints that are told of events, and what came of it last').action((options: LeafOptions) =>
    cli.run(options, async ({ fleet, signal }) => {
      const answer = await fleet.listWebhooks({}, { signal });
      const names = answer.webhooks.map(({ name }) => name);
      return { document: toDocument(answer), text: webhookTable(answer.webhooks), names };
    }),
  );
