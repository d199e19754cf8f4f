// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { calls } from './descriptors';
import { componentSchemas } from './message-schema';
import { openApiDocument } from './open-api';

const { schemas } = openApiDocument()['components'] as { readonly schemas: Readonly<Record<string, unknown>> };

test('each message is described by its own schema: what else is described has another name', () => {
  const ofMessages = componentSchemas(calls.flatMap(({ inputType, outputType }) => [inputType, outputType]));
  expect(Object.keys(ofMessages).length).toBeGreaterThan(100);
  expect(schemas).toMatchObject(ofMessages);
});
