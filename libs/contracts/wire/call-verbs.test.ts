// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import * as generated from '@lockstep/contracts/generated';
import * as health from '@lockstep/contracts/generated/health';
import { verbs } from '@lockstep/domain/access';
import { callVerbs } from './call-verbs';

/** Every call that the proto files describe, whichever service it is of. */
const described = Object.entries({ ...generated, ...health } as Readonly<Record<string, unknown>>)
  .filter(([name]) => /^(?:\w+ServiceService|HealthService)$/.test(name))
  .flatMap(([, definition]) => Object.values(definition as Readonly<Record<string, { path: string }>>))
  .map(({ path }) => path)
  .sort();

test('every call that is described says what it does: none is let in, or refused, by accident', () => {
  expect(described.length).toBeGreaterThan(30);
  expect([...callVerbs.keys()].sort()).toEqual(described);
  expect([...callVerbs].filter(([, verb]) => !verbs.includes(verb))).toEqual([]);
});
