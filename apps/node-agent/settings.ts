// SPDX-License-Identifier: GPL-2.0-only
import { parseArgs } from 'node:util';
import * as z from 'zod/mini';
import { LockstepError } from '@lockstep/domain/livepatch-model';

export const interval = (longestMs: number) => z.coerce.number().check(z.int(), z.gte(10), z.lte(longestMs));

/** Digests of modules, with commas between. */
export const hashes = z.string().check(z.regex(/^[0-9a-f]{64}(,[0-9a-f]{64})*$/));

/** Each setting as a flag, and the environment variable that says the same; the flag wins. */
type Variables = Readonly<Record<string, string>>;

function mergeSettings(
  variables: Variables,
  args: readonly string[],
  env: Readonly<NodeJS.ProcessEnv>,
): Readonly<Record<string, unknown>> | 'help' {
  const options = Object.fromEntries(Object.keys(variables).map((name) => [name, { type: 'string' as const }]));
  let flags: Record<string, unknown>;
  try {
    flags = parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean' } } }).values;
  } catch (cause) {
    throw new LockstepError('invalid-input', 'usage', `${(cause as Error).message}. See --help.`, {}, { cause });
  }
  if (flags['help'] === true) return 'help';
  const written = Object.entries(variables).map(([name, variable]) => [name, flags[name] ?? env[variable]] as const);
  // An empty variable is one that a unit file or a shell left unset.
  return Object.fromEntries(written.filter(([, value]) => value !== undefined && value !== ''));
}

/**
 * Written (flags, environment) → merged → validated.
 * @throws LockstepError `invalid-input` naming the setting.
 */
export function readSettings<Form extends z.ZodMiniType>(
  variables: Variables,
  form: Form,
  args: readonly string[],
  env: Readonly<NodeJS.ProcessEnv>,
): z.infer<Form> | 'help' {
  const merged = mergeSettings(variables, args, env);
  if (merged === 'help') return 'help';
  const parsed = form.safeParse(merged);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0]);
  const given = merged[name];
  const shown = typeof given === 'string' ? given : '';
  const message = `--${name} (${variables[name] ?? ''}) cannot be "${shown}". See --help.`;
  throw new LockstepError('invalid-input', 'usage', message, { setting: name });
}
