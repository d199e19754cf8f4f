// SPDX-License-Identifier: GPL-2.0-only
import { visibleJson } from '@lockstep/domain/visible-text';

export type LogFields = Readonly<Record<string, unknown>>;
export type LogLevel = 'info' | 'warn' | 'error';
/** One event in the agent's log. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

/** JSON lines, as journald and log shippers take them. */
export function createLog(write: (line: string) => void): Log {
  return (level, message, fields = {}) => {
    write(`${visibleJson(JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }))}\n`);
  };
}
