// SPDX-License-Identifier: GPL-2.0-only
import { Metadata, status, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { LockstepError, type ErrorFields, type ErrorKind } from '@lockstep/domain/livepatch-model';
import { maxMessageBytes } from './message-limit';

/** The one place where errors meet gRPC (https://grpc.io/docs/guides/status-codes/). */
const codeOf: Readonly<Record<ErrorKind, status>> = {
  'invalid-input': status.INVALID_ARGUMENT,
  'not-found': status.NOT_FOUND,
  'already-exists': status.ALREADY_EXISTS,
  refused: status.FAILED_PRECONDITION,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  unavailable: status.UNAVAILABLE,
  cancelled: status.CANCELLED,
  corrupt: status.DATA_LOSS,
  internal: status.INTERNAL,
};

const kindOf = new Map<status, ErrorKind>([
  ...Object.entries(codeOf).map(([kind, code]) => [code, kind as ErrorKind] as const),
  // What grpc-js and proxies raise by themselves.
  [status.DEADLINE_EXCEEDED, 'unavailable'],
  [status.RESOURCE_EXHAUSTED, 'unavailable'],
  [status.ABORTED, 'unavailable'],
  [status.OUT_OF_RANGE, 'invalid-input'],
]);

const reasonKey = 'lockstep-reason';
/** JSON, binary because header values are ASCII. */
const fieldsKey = 'lockstep-fields-bin';

/** Both travel as headers, of which a peer takes only so many: one refused header is a call without an answer. */
const fieldsLimitBytes = 4096;
const detailsLimitBytes = 8192;

const cutMark = ' … (cut)';

/** A text of at most that many bytes, whole characters only; what was cut off is marked. */
export function limitText(text: string, limitBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limitBytes) return text;
  const room = limitBytes - Buffer.byteLength(cutMark);
  // Inside of a character: its first byte is the last one that is no continuation (10xxxxxx).
  let end = room;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.subarray(0, end).toString('utf8')}${cutMark}`;
}

/** Any thrown value as a gRPC status. What is no LockstepError stays inside: the caller learns only that it is our bug. */
export function statusFromError(error: unknown): Partial<StatusObject> {
  if (!(error instanceof LockstepError)) {
    return { code: status.INTERNAL, details: 'Internal error; the server log has it.', metadata: new Metadata() };
  }
  const metadata = new Metadata();
  metadata.set(reasonKey, error.reason);
  const fields = Buffer.from(JSON.stringify(error.fields));
  if (fields.length <= fieldsLimitBytes) metadata.set(fieldsKey, fields);
  return { code: codeOf[error.kind], details: limitText(error.message, detailsLimitBytes), metadata };
}

function fieldsFrom(metadata: Metadata): ErrorFields {
  const [bytes] = metadata.get(fieldsKey);
  if (!Buffer.isBuffer(bytes)) return {};
  try {
    return JSON.parse(bytes.toString('utf8')) as ErrorFields;
  } catch {
    return {};
  }
}

/**
 * The error a server threw, or the transport's own, as a LockstepError; `cause` is the gRPC error.
 * @param cancelledHere the caller itself called the call off. A server that is shut down by force looks the same to
 * gRPC, which says CANCELLED to both; that one is only unavailable.
 */
export function errorFromStatus(error: ServiceError, cancelledHere: boolean): LockstepError {
  const [given] = error.metadata.get(reasonKey);
  const reason = typeof given === 'string' ? given : undefined;
  if (error.code === status.CANCELLED && reason === undefined && !cancelledHere) {
    const message = 'The control plane ended the call: it may be starting anew.';
    return new LockstepError('unavailable', 'ended-by-server', message, {}, { cause: error });
  }
  // The transport's own; what goes on too often (ENHANCE_YOUR_CALM) has the same code, and passes.
  if (error.code === status.RESOURCE_EXHAUSTED && /message .*larger than/i.test(error.details)) {
    const message = `The call does not fit into a message of ${maxMessageBytes / 1024 / 1024} MiB: ${error.details}.`;
    return new LockstepError('invalid-input', 'message-too-large', message, { maxMessageBytes }, { cause: error });
  }
  return new LockstepError(
    kindOf.get(error.code) ?? 'internal',
    reason ?? `grpc-${status[error.code].toLowerCase().replaceAll('_', '-')}`,
    error.details === '' ? error.message : error.details,
    fieldsFrom(error.metadata),
    { cause: error },
  );
}
