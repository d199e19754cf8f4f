// SPDX-License-Identifier: GPL-2.0-only
import { readFile, stat } from 'node:fs/promises';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { errorCode, sha256OfBytes } from '@lockstep/platform/runtime';
import * as z from 'zod/mini';

export const defaultProbeCommandsFile = '/etc/lockstep/probes.json';

export interface ProbeCommandsOptions {
  readonly file: string;
  /**
   * Whether a key that this machine was given has signed these bytes with their signature behind them; undefined: it was
   * given none, and the file's owner alone vouches for it.
   */
  readonly isSigned?: ((signed: Uint8Array) => boolean) | undefined;
}

const form = z.object({
  commands: z.record(
    z.string(),
    z.object({
      run: z.array(z.string()).check(z.minLength(1), z.maxLength(64)),
      sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
    }),
  ),
});

/** Its program, checked, and its arguments. */
export interface ProbeCommand {
  readonly program: string;
  readonly args: readonly string[];
}

const refused = (reason: string, message: string, fields: Record<string, string>): LockstepError =>
  new LockstepError('refused', reason, message, fields);

/** Whoever may write what root runs is root. */
async function insistOwn(file: string): Promise<void> {
  const found = await stat(file);
  // A pipe, or a device, would be read for ever.
  if (!found.isFile()) throw refused('probe-file-open', `${file} is no file.`, { file });
  const { uid, mode } = found;
  const isOwn = (uid === 0 || uid === process.getuid?.()) && (mode & 0o022) === 0;
  if (isOwn) return;
  const message = `${file} may be written by others than the agent's own user: chown it and chmod go-w.`;
  throw refused('probe-file-open', message, { file });
}

async function readList({ file, isSigned }: ProbeCommandsOptions): Promise<z.infer<typeof form>['commands']> {
  await insistOwn(file).catch((cause: unknown) => {
    if (errorCode(cause) !== 'ENOENT') throw cause;
    throw refused('no-probe-commands', `There are no commands on this node: ${file} lists them.`, { file });
  });
  const bytes = await readFile(file);
  if (isSigned !== undefined) {
    const signature = await readFile(`${file}.sig`).catch(() => Buffer.alloc(0));
    if (!isSigned(Buffer.concat([bytes, signature]))) {
      const message = `${file} is signed by none of the build keys that this machine was given: \`lockstep build-key sign\`.`;
      throw refused('probe-commands-unsigned', message, { file });
    }
  }
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new LockstepError('invalid-input', 'invalid-probe-commands', `${file} is no JSON.`, { file }, { cause });
  }
  const parsed = form.safeParse(json);
  if (parsed.success) return parsed.data.commands;
  const message = `${file} has to be {"commands": {NAME: {"run": [PROGRAM, ARGUMENT, …], "sha256": HASH}}}.`;
  throw new LockstepError('invalid-input', 'invalid-probe-commands', message, { file });
}

/**
 * What a name stands for on this node, looked up anew each time: what the disk holds now counts.
 * @throws LockstepError `no-probe-commands`, `probe-file-open`, `probe-commands-unsigned`, `invalid-probe-commands`,
 * `unknown-probe-command`, `probe-program-differs`
 */
export async function findProbeCommand(name: string, options: ProbeCommandsOptions): Promise<ProbeCommand> {
  const { file } = options;
  const commands = await readList(options);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const [program, ...args] = command?.run ?? [];
  if (command === undefined || program === undefined) {
    throw refused('unknown-probe-command', `${file} lists no command "${name}".`, { file, name });
  }
  if (!program.startsWith('/')) {
    throw refused('invalid-probe-commands', `"${name}" has to name its program by a path from /.`, { file, name });
  }
  await insistOwn(program);
  if (sha256OfBytes(await readFile(program)) !== command.sha256) {
    const message = `${program} is not the program that ${file} lists: its sha256 is another one.`;
    throw refused('probe-program-differs', message, { file, name, program });
  }
  return { program, args };
}
