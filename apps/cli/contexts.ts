// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { parse } from 'yaml';
import { z } from 'zod';
import { yamlText } from './yaml-text';
import { fileFault } from './file-fault';

const contextForm = z.strictObject({
  server: z.optional(z.string()),
  tokenFile: z.optional(z.string()),
  certFile: z.optional(z.string()),
  caFile: z.optional(z.string()),
  stateDir: z.optional(z.string()),
});

const fileForm = z.strictObject({ current: z.optional(z.string()), contexts: z.record(z.string(), contextForm) });

/** One control plane and who one is there; as the flags of the same names. Paths are absolute. */
export type Context = z.infer<typeof contextForm>;

export interface Contexts {
  readonly current: string | undefined;
  readonly contexts: ReadonlyMap<string, Context>;
}

type Env = Readonly<NodeJS.ProcessEnv>;

/** LOCKSTEP_CONTEXTS, or contexts.yaml in the folder for settings. */
export function contextsFile(env: Env): string {
  const given = env['LOCKSTEP_CONTEXTS'];
  if (given !== undefined && given !== '') return given;
  const folder = env['XDG_CONFIG_HOME'] ?? path.join(env['HOME'] ?? homedir(), '.config');
  return path.join(folder, 'lockstep', 'contexts.yaml');
}

const unusable = (message: string, file: string, cause?: unknown): LockstepError =>
  new LockstepError('invalid-input', 'not-configured', message, { file }, { cause });

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(`The contexts in ${file} cannot be read: ${fileFault(error)}.`, file, error);
  }
}

/** None where there is no file. @throws LockstepError `not-configured` for one that is no list of contexts. */
export function readContexts(env: Env): Contexts {
  const file = contextsFile(env);
  const text = readText(file);
  if (text === undefined) return { current: undefined, contexts: new Map() };
  try {
    const { current, contexts } = fileForm.parse(parse(text));
    return { current, contexts: new Map(Object.entries(contexts)) };
  } catch (error) {
    throw unusable(`${file} is no list of contexts: mend it, or remove it and add them anew.`, file, error);
  }
}

/** Replaces the file whole. */
export function writeContexts(env: Env, { current, contexts }: Contexts): void {
  const file = contextsFile(env);
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    const next = `${file}.${process.pid}`;
    const kept = { ...(current === undefined ? {} : { current }), contexts: Object.fromEntries(contexts) };
    writeFileSync(next, yamlText(kept), { mode: 0o600 });
    renameSync(next, file);
  } catch (error) {
    throw unusable(`The contexts in ${file} cannot be written: ${fileFault(error)}.`, file, error);
  }
}

/** @throws LockstepError `usage` naming those that there are. */
export function requireContext({ contexts }: Contexts, name: string): Context {
  const context = contexts.get(name);
  if (context !== undefined) return context;
  const known = [...contexts.keys()].join(', ');
  const message = `There is no context "${name}": ${known === '' ? 'lockstep context add makes one' : `those kept are ${known}`}.`;
  throw new LockstepError('invalid-input', 'usage', message, { context: name });
}
