// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { ListAuthoritiesResponse } from '@lockstep/contracts/generated';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { authoritiesText, authorityDocument } from '../views/authority-view';

const documentOf = (all: ListAuthoritiesResponse): unknown => ({
  ...all,
  authorities: all.authorities.map(authorityDocument),
});

export const listAuthorities = (cli: Cli): Command =>
  viewCommand(
    'ls',
    'list the authorities that certify nodes and control planes, and what the next step waits for',
  ).action((options: LeafOptions) =>
    cli.run(options, async ({ access, signal }) => {
      const all = await access.listAuthorities({}, { signal });
      return { document: documentOf(all), text: authoritiesText(all) };
    }),
  );
