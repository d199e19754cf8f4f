// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { useSandbox } from '../sandbox';

/** Says what a process without the right to make namespaces is told. */
useSandbox('auto').then(console.log, (error: unknown) => {
  console.log(error instanceof LockstepError ? `${error.reason}: ${error.message}` : error);
});
