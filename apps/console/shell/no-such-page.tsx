// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { PageHead } from '../display/page-head';

export function NoSuchPage(): ReactElement {
  return <PageHead title="No such page" summary="There is nothing at this address: choose a page from the menu." />;
}
