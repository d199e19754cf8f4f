// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { Admission } from './admission';

const { signal } = new AbortController();

interface Visit {
  readonly done: Promise<string>;
  readonly leave: () => void;
}

function visit(admission: Admission, inside: string[], name: string, until: AbortSignal = signal): Visit {
  let leave = (): void => undefined;
  const staying = new Promise<void>((resolve) => (leave = resolve));
  const work = async (): Promise<string> => {
    inside.push(name);
    await staying;
    return name;
  };
  return { done: admission.admit(work, until), leave };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('lets in as many as it may at once; the others wait, and come in turn as places are left', async () => {
  const admission = new Admission({ mostAtOnce: 2, mostWaiting: 10, windowMs: () => 700 });
  const inside: string[] = [];
  const visits = ['a', 'b', 'c', 'd'].map((name) => visit(admission, inside, name));
  await settled();
  expect(inside).toEqual(['a', 'b']);
  visits[1]?.leave();
  await settled();
  expect(inside).toEqual(['a', 'b', 'c']);
  for (const { leave } of visits) leave();
  expect(await Promise.all(visits.map(({ done }) => done))).toEqual(['a', 'b', 'c', 'd']);
  expect(inside).toEqual(['a', 'b', 'c', 'd']);
});

test('tells when to come only whom there is no room to wait for, and has room again once one is through', async () => {
  const admission = new Admission({ mostAtOnce: 1, mostWaiting: 1, windowMs: () => 700 });
  const inside: string[] = [];
  const [first, second] = [visit(admission, inside, 'a'), visit(admission, inside, 'b')];
  await settled();
  const refused = { kind: 'unavailable', reason: 'busy', fields: { comeBackWithinMs: 700 } };
  await expect(visit(admission, inside, 'c').done).rejects.toMatchObject(refused);
  first.leave();
  second.leave();
  await Promise.all([first.done, second.done]);
  await expect(admission.admit(() => Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  expect(await admission.admit(async () => 'welcome', signal)).toBe('welcome');
});

test('who has gone while it waited is not let in, and its place is the next one’s', async () => {
  const admission = new Admission({ mostAtOnce: 1, mostWaiting: 10, windowMs: () => 700 });
  const inside: string[] = [];
  const gone = new AbortController();
  const first = visit(admission, inside, 'a');
  const second = visit(admission, inside, 'b', gone.signal);
  const third = visit(admission, inside, 'c');
  await settled();
  gone.abort(new Error('gone'));
  first.leave();
  third.leave();
  await expect(second.done).rejects.toThrow('gone');
  expect(await third.done).toBe('c');
  expect(inside).toEqual(['a', 'c']);
});
