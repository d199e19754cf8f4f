// SPDX-License-Identifier: GPL-2.0-only
import type { RouteObject } from 'react-router';
import { PageFailed } from './shell/page-failed';
import { SignedInGate } from './session/signed-in-gate';

/** What changes in its address the page asks for itself, as it is told of it. */
const onlyOnArrival = { shouldRevalidate: (): boolean => false };

async function nodesRoute() {
  const [{ NodesPage }, { askForShownNodes }] = await Promise.all([
    import('./nodes/nodes-page'),
    import('./nodes/shown-nodes'),
  ]);
  return { Component: NodesPage, loader: askForShownNodes, ...onlyOnArrival };
}

/** Each page comes with its own file, when it is first looked at. */
const pages: RouteObject[] = [
  { index: true, lazy: async () => ({ Component: (await import('./overview/overview-page')).OverviewPage }) },
  { path: 'rollouts', lazy: async () => ({ Component: (await import('./rollouts/rollouts-page')).RolloutsPage }) },
  { path: 'rollouts/:id', lazy: async () => ({ Component: (await import('./rollouts/rollout-page')).RolloutPage }) },
  {
    path: 'campaigns',
    lazy: async () => ({ Component: (await import('./campaigns/campaigns-page')).CampaignsPage }),
  },
  {
    path: 'campaigns/:id',
    lazy: async () => ({ Component: (await import('./campaigns/campaign-page')).CampaignPage }),
  },
  { path: 'schedule', lazy: async () => ({ Component: (await import('./schedule/schedule-page')).SchedulePage }) },
  {
    path: 'load-order',
    lazy: async () => ({ Component: (await import('./load-order/load-order-page')).LoadOrderPage }),
  },
  { path: 'nodes', lazy: nodesRoute },
  { path: 'nodes/:name', lazy: async () => ({ Component: (await import('./nodes/node-page')).NodePage }) },
  { path: 'patches', lazy: async () => ({ Component: (await import('./patches/patches-page')).PatchesPage }) },
  { path: 'patches/:name', lazy: async () => ({ Component: (await import('./patches/patch-page')).PatchPage }) },
  { path: 'cves', lazy: async () => ({ Component: (await import('./cves/cves-page')).CvesPage }) },
  { path: 'audit', lazy: async () => ({ Component: (await import('./audit/audit-page')).AuditPage }) },
  { path: 'access', lazy: async () => ({ Component: (await import('./access/access-page')).AccessPage }) },
  { path: 'system', lazy: async () => ({ Component: (await import('./system/system-page')).SystemPage }) },
  { path: '*', lazy: async () => ({ Component: (await import('./shell/no-such-page')).NoSuchPage }) },
];

export const routes: RouteObject[] = [
  {
    path: '/',
    Component: SignedInGate,
    HydrateFallback: () => null,
    ErrorBoundary: PageFailed,
    children: [{ ErrorBoundary: PageFailed, children: pages }],
  },
];
