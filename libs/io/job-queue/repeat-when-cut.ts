// SPDX-License-Identifier: GPL-2.0-only
import { ConnectionClosedError, type BackendFactory } from 'bullmq';
import { isConnectionLost } from '@lockstep/platform/runtime';

/**
 * How a job ended is told again until the server has answered: BullMQ does so for the errors that it knows as a lost
 * connection (a refused one), and takes all others for the job's own failure, so that a job that was done is done again.
 * A server that had heard it the first time refuses the second, and changes nothing.
 */
export function repeatingWhenCut(factory: BackendFactory): BackendFactory {
  return (...parts) => {
    const backend = factory(...parts);
    const moveToCompleted = backend.moveToCompleted.bind(backend);
    const moveToFailed = backend.moveToFailed.bind(backend);
    backend.moveToCompleted = (...args) => moveToCompleted(...args).catch(asClosed);
    backend.moveToFailed = (...args) => moveToFailed(...args).catch(asClosed);
    return backend;
  };
}

function asClosed(error: unknown): never {
  throw isConnectionLost(error) ? Object.assign(new ConnectionClosedError(), { cause: error }) : error;
}
