// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Role } from '@lockstep/contracts/generated';
import { roles, verbsOf, type Role as RoleWord, type Verb } from '@lockstep/domain/access';
import type { Browser } from 'playwright-core';
import { startBrowser, Visitor } from './browser';
import { addSchedule, rollOutMeminfoFix, startFleetWithConsole, tokenOf, type ConsoleFleet } from './console-fleet';

jest.setTimeout(600_000);

const wire: Readonly<Record<RoleWord, Role>> = {
  viewer: Role.ROLE_VIEWER,
  auditor: Role.ROLE_AUDITOR,
  operator: Role.ROLE_OPERATOR,
  approver: Role.ROLE_APPROVER,
  responder: Role.ROLE_RESPONDER,
  admin: Role.ROLE_ADMIN,
};

interface Act {
  readonly place: string;
  readonly button: string;
  /** All that it takes. */
  readonly verbs: readonly Verb[];
  /** A request that does the same to what there is not: refused for what is missing by whoever may, else for who asks. */
  readonly asks: readonly [method: string, path: string, body?: object];
}

const acts: readonly Act[] = [
  {
    ...{ place: 'rollouts', button: 'Start a rollout', verbs: ['roll-out'] },
    asks: ['POST', '/v1/clusters/dev/rollouts', { planHash: 'none' }],
  },
  {
    ...{ place: 'rollouts', button: 'Break the glass', verbs: ['break-glass'] },
    asks: ['POST', '/v1/clusters/dev/emergencies', { planHash: 'none', reason: 'none' }],
  },
  {
    ...{ place: 'campaigns', button: 'Start a campaign', verbs: ['roll-out', 'order'] },
    asks: ['POST', '/v1/campaigns', { patch: 'none', clusters: ['dev'] }],
  },
  {
    ...{ place: 'system', button: 'Rotate the key of shop', verbs: ['set-up'] },
    asks: ['POST', '/v1/clusters/none/order/keys', {}],
  },
  {
    ...{ place: 'rollout', button: 'Roll back', verbs: ['roll-out', 'order'] },
    asks: ['POST', '/v1/rollouts/none/rollback', {}],
  },
  { place: 'patches', button: 'Submit a diff', verbs: ['build'], asks: ['POST', '/v1/patches', { name: '' }] },
  {
    ...{ place: 'schedule', button: 'Freeze', verbs: ['roll-out'] },
    asks: ['POST', '/v1/freezes', { name: '', cluster: 'dev' }],
  },
  {
    ...{ place: 'schedule', button: 'Add a window', verbs: ['set-up'] },
    asks: ['POST', '/v1/clusters/dev/windows', { name: '' }],
  },
  {
    ...{ place: 'schedule', button: 'Remove the window night of shop', verbs: ['set-up'] },
    asks: ['DELETE', '/v1/clusters/shop/windows/none'],
  },
  {
    ...{ place: 'schedule', button: 'Remove the freeze fair of shop', verbs: ['set-up'] },
    asks: ['DELETE', '/v1/freezes/none?cluster=shop'],
  },
  { place: 'nodes/n1', button: 'Remove', verbs: ['admit'], asks: ['DELETE', '/v1/nodes/none'] },
  { place: 'nodes/n1', button: 'Revoke certificate', verbs: ['admit'], asks: ['POST', '/v1/nodes/none/revoke', {}] },
  { place: 'access', button: 'Make a token', verbs: ['grant'], asks: ['POST', '/v1/access/tokens', { name: '' }] },
];

let world: ConsoleFleet;
let browser: Browser;
let rollout: string;

beforeAll(async () => {
  world = await startFleetWithConsole(1);
  await rollOutMeminfoFix(world.fleet);
  await addSchedule(world.fleet);
  const { rollouts } = await world.fleet.operator.fleet.listRollouts({ cluster: world.fleet.cluster });
  rollout = rollouts[0]!.id;
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  await world.fleet.stop();
});

/** The status that the API answers, asked from the page with its session. */
const statusOf = (visitor: Visitor, [method, path, body]: Act['asks']): Promise<number> =>
  visitor.page.evaluate(
    async ([how, where, what]) => {
      const { csrf } = (await (await fetch('/v1/session')).json()) as { csrf: string };
      const json = what === undefined ? {} : { body: what };
      const headers = {
        'x-lockstep-csrf': csrf,
        ...(what === undefined ? {} : { 'content-type': 'application/json' }),
      };
      return (await fetch(where, { method: how, headers, ...json })).status;
    },
    [method, path, body === undefined ? undefined : JSON.stringify(body)] as const,
  );

describe.each(roles)('somebody who is %s', (role) => {
  test('is offered what the role may and no more, which is what the API does', async () => {
    await using visitor = await Visitor.come(browser, world.consoleUrl);
    await visitor.signIn(await tokenOf(world, wire[role], `some-${role}`));
    const seen: unknown[] = [];
    const expected: unknown[] = [];
    for (const { place, button, verbs, asks } of acts) {
      await visitor.open(place === 'rollout' ? `rollouts/${rollout}` : place);
      const found = visitor.page.getByRole('button', { name: button, exact: true });
      await found.waitFor();
      await visitor.settled();
      const isForbidden = (await found.getAttribute('aria-disabled')) === 'true';
      const why = (await found.getAttribute('aria-description')) ?? '';
      const isRefused = (await statusOf(visitor, asks)) === 403;
      seen.push([button, isForbidden, isRefused, why === '' || why.includes(`some-${role} may not`)]);
      const may = verbs.every((verb) => verbsOf[role].includes(verb));
      expected.push([button, !may, !may, true]);
    }
    expect(seen).toEqual(expected);
    await visitor.open('audit');
    await visitor.settled();
    const record = visitor.page.getByText('Fleet/AppendLoad');
    // They come as they are read.
    if (verbsOf[role].includes('audit')) await record.first().waitFor();
    else expect(await record.count()).toBe(0);
    expect(visitor.complaints).toEqual([]);
  });
});
