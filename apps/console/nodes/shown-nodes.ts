// SPDX-License-Identifier: GPL-2.0-only
import type { LoaderFunctionArgs } from 'react-router';
import { urlValues } from '../display/url-state';
import { filterKeys, nodeQuery, type NodeFilters, type NodeQuery } from './node-filters';
import { orderBy, orderOf, type NodeOrder } from './node-order';
import { askForNodes } from './node-pages';

/** What the control plane is asked for the nodes page. */
export function shownNodes(filters: NodeFilters, order: NodeOrder): NodeQuery {
  const asked = orderBy(order);
  return { ...nodeQuery(filters), ...(asked === undefined ? {} : { orderBy: asked }) };
}

/** They come while the page is being put together. */
export function askForShownNodes({ request }: LoaderFunctionArgs): null {
  const { searchParams } = new URL(request.url);
  const { order } = urlValues(searchParams, ['order']);
  askForNodes(shownNodes(urlValues(searchParams, filterKeys), orderOf(order)));
  return null;
}
