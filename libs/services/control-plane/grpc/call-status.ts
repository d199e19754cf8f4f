// SPDX-License-Identifier: GPL-2.0-only
import type { ServerErrorResponse } from '@grpc/grpc-js';
import { statusFromError } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { explainDatabaseError } from '@lockstep/io/database';
import type { Logger } from 'pino';

/** An error as it leaves the process: known ones with their words, others logged and hidden. */
export function toStatus(error: unknown, method: string, log: Logger): ServerErrorResponse {
  const explained = explainDatabaseError(error);
  if (!(explained instanceof LockstepError) || explained.kind === 'internal') log.error({ err: error, method }, 'bug');
  else if (explained !== error) log.warn({ err: error, method }, 'the database did not do it');
  const { code, details, metadata } = statusFromError(explained);
  const status = Object.assign(new Error(details), { ...(details === undefined ? {} : { details }) });
  return Object.assign(status, { ...(code === undefined ? {} : { code }), ...(metadata && { metadata }) });
}
