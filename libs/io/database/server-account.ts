// SPDX-License-Identifier: GPL-2.0-only
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { LockstepError } from '@lockstep/domain/livepatch-model';

const run = promisify(execFile);

/** The account PostgreSQL runs as, and the command line before its own. */
export interface ServerAccount {
  /** Null: the account we run as ourselves. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  readonly prefix: readonly string[];
}

async function accountNamed(name: string): Promise<{ uid: number; gid: number } | undefined> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((text) => text.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** Reading through closed folders, nothing else: our state folder and /root are open to root alone. */
const capability = '+dac_read_search';

/**
 * PostgreSQL refuses to run as root; then it runs as `postgres` or `nobody`, or as whoever owns the data already.
 * @param dataDir may not exist yet.
 */
export async function chooseServerAccount(dataDir: string): Promise<ServerAccount> {
  if (process.getuid?.() !== 0) return { owner: null, prefix: [] };
  const present = await stat(dataDir).catch(() => undefined);
  const owner =
    present === undefined || present.uid === 0
      ? ((await accountNamed('postgres')) ?? (await accountNamed('nobody')))
      : { uid: present.uid, gid: present.gid };
  if (owner === undefined) {
    throw new LockstepError(
      'unavailable',
      'postgres-account-missing',
      'PostgreSQL does not run as root and there is no account "postgres" or "nobody": add one, or set LOCKSTEP_DATABASE_URL.',
    );
  }
  const plain = ['setpriv', `--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups'];
  // access(2) asks without capabilities unless told not to, and initdb believes what it says of its own program.
  const asksTruly = '--securebits=+no_setuid_fixup';
  const capable = [...plain, `--inh-caps=${capability}`, `--ambient-caps=${capability}`, asksTruly];
  const [command = '', ...args] = capable;
  // A container may hold the capability back; then the folders above the data must be open.
  const granted = await run(command, [...args, 'true']).then(
    () => true,
    () => false,
  );
  return { owner, prefix: granted ? capable : plain };
}
