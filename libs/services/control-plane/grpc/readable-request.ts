// SPDX-License-Identifier: GPL-2.0-only
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** What came in a message's place and is none. */
class UnreadableRequest {
  constructor(readonly cause: unknown) {}
}

type AnyMethod = MethodDefinition<unknown, unknown>;

/**
 * The service, but for what its calls do with bytes that are no message: gRPC would say INTERNAL, as of a bug of ours;
 * so they come through, and `insistReadable` says what they are.
 */
export function tellingUnreadable<Definition extends ServiceDefinition>(definition: Definition): Definition {
  const methods = Object.entries(definition).map(([name, method]) => {
    const { requestDeserialize } = method as AnyMethod;
    const read = (bytes: Buffer): unknown => {
      try {
        return requestDeserialize(bytes);
      } catch (cause) {
        return new UnreadableRequest(cause);
      }
    };
    return [name, { ...method, requestDeserialize: read }] as const;
  });
  return Object.fromEntries(methods) as unknown as Definition;
}

function unreadable(cause: unknown): LockstepError {
  const message = 'What came with this call is no message of its kind: is the client of another version?';
  return new LockstepError('invalid-input', 'unreadable-request', message, {}, { cause });
}

/** @throws LockstepError `invalid-input` `unreadable-request`. */
export function insistReadable(request: unknown): void {
  if (request instanceof UnreadableRequest) throw unreadable(request.cause);
}

/** `read`, of bytes that were handed on as they came. @throws LockstepError as `insistReadable`. */
export function readRequest<T>(read: (bytes: Buffer) => T, bytes: Buffer): T {
  try {
    return read(bytes);
  } catch (cause) {
    throw unreadable(cause);
  }
}
