// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import type { AddKernelRequest, AddKernelResponse } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { parseStockName } from '@lockstep/domain/vendor-kernel';
import type { RegistrationRecord } from '@lockstep/io/database';
import type { CallContext } from '../grpc/call-route';
import type { Stores, Uses } from '../services';
import { kernelToWire } from '../views/build-view';
import { awaitedWorker } from '../jobs/awaited-worker';
import { registrationJobId } from '../jobs/work-tracker';

async function readRegistration(db: Stores<'registrations'>, id: string): Promise<RegistrationRecord> {
  const registration = await db.registrations.get(id);
  if (registration !== null) return registration;
  throw new LockstepError('not-found', 'unknown-registration', `There is no registration ${id}.`, { id });
}

/** Has a worker read a kernel build tree, or make one of a distribution's kernel. Asked twice at once for the same folder, both follow the same work. */
export async function* addKernel(
  { db, changes, work }: Uses<'db.registrations' | 'db.kernelBuilds' | 'db.kernelCopies' | 'changes' | 'work'>,
  request: AddKernelRequest,
  { signal }: CallContext,
): AsyncGenerator<AddKernelResponse> {
  const stock = request.stock === undefined ? null : parseStockName(request.stock.distribution, request.stock.release);
  const isFetched = stock !== null && request.path === '';
  if (!isFetched && !path.isAbsolute(request.path)) {
    const message = `"${request.path}" is not a whole path: workers see the tree from their own working folder.`;
    throw new LockstepError('invalid-input', 'relative-path', message, { path: request.path });
  }
  const { id } = await db.registrations.begin(isFetched ? '' : path.normalize(request.path), stock);
  work.request(registrationJobId({ id }));
  const read = async () => {
    const registration = await readRegistration(db, id);
    return { registration, awaits: registration.status === 'queued' ? await awaitedWorker(work) : '' };
  };
  const hasEnded = ({ registration: { endedAt } }: { registration: RegistrationRecord }) => endedAt !== null;
  for await (const { registration, awaits } of changes.watch(`registration:${id}`, read, hasEnded, signal)) {
    const { failure, kernelBuild } = registration;
    const progress = awaits === '' ? registration.progress : { stage: awaits, done: 0, total: 0 };
    if (failure !== null) {
      const kind = failure.retryable ? 'unavailable' : 'refused';
      throw new LockstepError(kind, failure.reason, failure.message, { path: registration.path });
    }
    yield { event: { $case: 'progress', value: { ...progress } } };
    if (kernelBuild === null) continue;
    const kernel = await db.kernelBuilds.require(kernelBuild);
    yield { event: { $case: 'kernelBuild', value: kernelToWire(kernel, await db.kernelCopies.find(kernelBuild)) } };
  }
}
