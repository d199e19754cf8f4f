// SPDX-License-Identifier: GPL-2.0-only
import { Node, type WatchNodesRequest, type WatchNodesResponse } from '@lockstep/contracts/generated';
import { masked } from '@lockstep/contracts/wire';
import { parseNodeOrder } from '../agents/node-order';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { nodeToWire } from '../views/node-view';
import { askedNodes, pageOfNodes, type NodeLister } from './asked-nodes';
import { mayLookAgain } from './next-look';

const defaultLimit = 100;
const mostLimit = 20_000;

/** The first nodes of a list, of which after the first message only differences are told. @throws LockstepError as `listNodes`. */
export async function* watchNodes(
  services: Uses<NodeLister>,
  request: WatchNodesRequest,
  context: CallContext,
): AsyncGenerator<WatchNodesResponse> {
  const { nodes, sessions, revisions } = services;
  const order = parseNodeOrder(request.orderBy);
  const limit = Math.min(request.limit === 0 ? defaultLimit : request.limit, mostLimit);
  let told = revisions.isKnown(request.afterRevision) ? request.afterRevision : 0;
  let listed: ReadonlySet<string> | undefined;
  let inOrder = '';
  const { isAsked } = await askedNodes(services, request, context);
  for (let isThere = !context.signal.aborted; isThere; isThere = await mayLookAgain(context.signal)) {
    revisions.forget(nodes.size, (name) => nodes.find(name) !== undefined);
    const shown = pageOfNodes(nodes, order, { after: undefined, limit }, isAsked).map((node) => {
      const isConnected = sessions.isConnected(node.name);
      return { node, isConnected, revision: revisions.of(node, isConnected) };
    });
    // Who was not among them before is told whole, whenever it changed.
    const news = shown.filter(({ node, revision }) => revision > told || listed?.has(node.name) === false);
    const names = shown.map(({ node }) => node.name);
    const namesNow = names.join('\n');
    const isOtherwise = listed === undefined || namesNow !== inOrder;
    if (isOtherwise) listed = new Set(names);
    inOrder = namesNow;
    told = revisions.current;
    if (news.length === 0 && !isOtherwise) continue;
    const rows = news.map(({ node, isConnected }) => nodeToWire(node, isConnected));
    yield {
      revision: told,
      nodes: masked(Node, rows, request.readMask),
      listed: isOtherwise ? { names } : undefined,
    };
  }
}
