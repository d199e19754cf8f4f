// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import { becauseHeader } from '@lockstep/contracts/wire';
import { subjectOf, type Identity, type Resource, type ScopedNode, type Verb } from '@lockstep/domain/access';
import type { AuditEvent } from '@lockstep/domain/audit';

/** Who makes a call, and from where. */
export interface Caller {
  readonly identity: Identity;
  /** Address and port, as the connection has them. */
  readonly from: string;
  /** DER of the certificate that it has shown. */
  readonly certificate?: Buffer | undefined;
}

/** What only looks is not written down, but for looking at what is written down. */
const unaudited: readonly Verb[] = ['look', 'ask-self', 'join', 'follow', 'renew'];

export const isAudited = (verb: Verb): boolean => !unaudited.includes(verb);

const mostTextChars = 200;
const mostListed = 20;
const mostBecauseBytes = 1_000;
const mostDetailsChars = 4_000;

/** A request as it is kept: what says nothing is left out, what is long is cut, bytes are their digest. */
function brief(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return { sha256: createHash('sha256').update(value).digest('hex'), bytes: value.length };
  }
  if (typeof value === 'string') {
    return value.length > mostTextChars ? `${value.slice(0, mostTextChars)}… (${value.length} characters)` : value;
  }
  if (Array.isArray(value)) {
    const rest = value.length - mostListed;
    return [...value.slice(0, mostListed).map(brief), ...(rest > 0 ? [`… and ${rest} more`] : [])];
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const said = Object.entries(value).filter(
    ([, each]) =>
      each !== undefined && each !== '' && each !== 0 && each !== false && !(Array.isArray(each) && each.length === 0),
  );
  return Object.fromEntries(said.map(([name, each]) => [name, brief(each)]));
}

export const detailsOf = (request: unknown): string => JSON.stringify(brief(request)).slice(0, mostDetailsChars);

function becauseOf(metadata: Metadata): string {
  const [given] = metadata.get(becauseHeader);
  return Buffer.isBuffer(given) ? given.subarray(0, mostBecauseBytes).toString('utf8') : '';
}

/** A node by its name, several by their cluster: the request names them. */
function onNodes(nodes: readonly ScopedNode[]): string {
  const [node] = nodes;
  if (nodes.length === 1 && node !== undefined) return `node ${node.name}`;
  return [...new Set(nodes.map(({ cluster }) => `cluster ${cluster}`))].join(', ');
}

export function onWhat(resource: Resource | undefined): string {
  switch (resource?.kind) {
    case 'cluster':
    case 'cluster-shared':
      return `cluster ${resource.cluster}`;
    case 'nodes':
      return onNodes(resource.nodes);
    case 'shared':
      return 'all clusters';
    case 'installation':
    case undefined:
      return 'installation';
  }
}

/** `Fleet/AppendLoad`, of a path as gRPC has it. */
export const callWord = (path: string): string => path.replace(/^\/lockstep\.v1\.(\w+)Service\//, '$1/');

export interface AuditedCall {
  readonly path: string;
  readonly caller: Caller;
  readonly metadata: Metadata;
  /** Undefined: it was not read. */
  readonly request?: unknown;
  readonly resource?: Resource | undefined;
}

/** What is written down of a call, but for how it ended. */
export const eventOf = ({ path, caller, metadata, request, resource }: AuditedCall): Omit<AuditEvent, 'result'> => ({
  who: subjectOf(caller.identity),
  token: caller.identity.kind === 'owner' ? caller.identity.tokenName : '',
  from: caller.from,
  call: callWord(path),
  on: onWhat(resource),
  details: request === undefined ? '' : detailsOf(request),
  because: becauseOf(metadata),
});
