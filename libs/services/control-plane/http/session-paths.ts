// SPDX-License-Identifier: GPL-2.0-only
import { verbs } from '@lockstep/domain/access';
import { enums } from './descriptors';
import type { Schema } from './message-schema';
import { problemType } from './problem';

/** Where a browser signs in, asks who it is, and signs out. */
export const sessionPath = '/v1/session';

/** `__Host-`: of this host alone, by TLS alone, whatever a neighbour under the same domain sets. */
export const sessionCookie = '__Host-lockstep';

/** Proves that a page of ours makes a request, and not another site with our cookie. */
export const csrfHeader = 'x-lockstep-csrf';

const roleNames = enums.get('.lockstep.v1.Role')?.value.map(({ name }) => name) ?? [];

/** What the session routes answer. */
export const sessionSchema = {
  type: 'object',
  description: 'Who is signed in, until when, and what they may.',
  properties: {
    identity: {
      type: 'object',
      properties: {
        name: { type: 'string', description: 'Of the person or the service account.' },
        kind: { type: 'string', enum: ['person', 'service'] },
        roles: { type: 'array', items: { type: 'string', enum: roleNames } },
        everywhere: { type: 'boolean', description: 'Its rights hold in every cluster; `clusters` is empty then.' },
        clusters: { type: 'array', items: { type: 'string' } },
        session: { type: 'string', description: 'The name that the audit knows this session by.' },
      },
      required: ['name', 'kind', 'roles', 'everywhere', 'clusters', 'session'],
      additionalProperties: false,
    },
    csrf: { type: 'string', description: `Goes into the header ${csrfHeader} of each request that changes something.` },
    expiresAt: { type: 'string', format: 'date-time' },
    may: {
      type: 'object',
      description: 'Of each verb whether there is anything to which it may be done, or why not.',
      properties: Object.fromEntries(verbs.map((verb) => [verb, { $ref: '#/components/schemas/Permission' }])),
      required: verbs,
      additionalProperties: false,
    },
  },
  required: ['identity', 'csrf', 'expiresAt', 'may'],
  additionalProperties: false,
} as const;

export const permissionSchema = {
  oneOf: [
    { type: 'boolean', const: true },
    {
      type: 'object',
      properties: { reason: { type: 'string', description: 'For people.' } },
      required: ['reason'],
      additionalProperties: false,
    },
  ],
} as const;

export const signInSchema = {
  type: 'object',
  properties: { token: { type: 'string', description: 'An access token.', minLength: 1, maxLength: 200 } },
  required: ['token'],
  additionalProperties: false,
} as const;

const problem: Schema = {
  description: 'It was not done.',
  content: { [problemType]: { schema: { $ref: '#/components/schemas/ProblemDocument' } } },
};
const session: Schema = {
  description: 'The session.',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Session' } } },
};

/** What the description says of them. */
export const sessionPaths: Readonly<Record<string, Record<string, Schema>>> = {
  [sessionPath]: {
    get: {
      operationId: 'getSession',
      tags: ['Session'],
      summary: 'Who is signed in.',
      security: [{ session: [] }],
      responses: { 200: session, default: problem },
    },
    post: {
      operationId: 'signIn',
      tags: ['Session'],
      summary: 'Begins a session, which a cookie is the proof of from then on.',
      security: [],
      requestBody: { required: true, content: { 'application/json': { schema: signInSchema } } },
      responses: { 200: session, default: problem },
    },
    delete: {
      operationId: 'signOut',
      tags: ['Session'],
      summary: 'Ends the session.',
      security: [{ session: [] }],
      responses: { 204: { description: 'It has ended.' }, default: problem },
    },
  },
};
