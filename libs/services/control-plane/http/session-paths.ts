// SPDX-License-Identifier: GPL-2.0-only
import { verbs } from '@lockstep/domain/access';
import { enums } from './descriptors';
import type { Schema } from './message-schema';
import { problemType } from './problem';
import { csrfHeader } from './session-cookie';

/** Where a browser signs in, asks who it is, and signs out. */
export const sessionPath = '/v1/session';
/** How somebody can sign in here. */
export const waysPath = '/v1/session/ways';
/** Where a browser goes, as a page, that signs in by the identity provider. */
export const oidcPath = '/v1/session/oidc';

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
        selector: { type: 'string', description: 'Its rights hold only for nodes with these labels; empty: for all.' },
        session: { type: 'string', description: 'The name that the audit knows this session by.' },
      },
      required: ['name', 'kind', 'roles', 'everywhere', 'clusters', 'selector', 'session'],
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

/** What `waysPath` answers. */
export const signInWaysSchema = {
  type: 'object',
  properties: {
    token: { type: 'boolean', description: 'By an access token.' },
    provider: {
      type: 'object',
      description: 'By an identity provider, if there is one.',
      properties: {
        label: { type: 'string', description: 'For a button.' },
        path: {
          type: 'string',
          description:
            'Where a browser goes, as a page; with `?to=/console/…` it comes back there, or to `/console/?sign-in-problem=…`.',
        },
      },
      required: ['label', 'path'],
      additionalProperties: false,
    },
  },
  required: ['token'],
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
  [waysPath]: {
    get: {
      operationId: 'getSignInWays',
      tags: ['Session'],
      summary: 'How somebody can sign in here.',
      security: [],
      responses: {
        200: {
          description: 'The ways.',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/SignInWays' } } },
        },
        default: problem,
      },
    },
  },
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
