// SPDX-License-Identifier: GPL-2.0-only
import * as z from 'zod/mini';
import { parseSha256, type Sha256 } from '@lockstep/domain/livepatch-model';
import { hashes, interval, readSettings } from './settings';

const settings = {
  'state-dir': 'LOCKSTEP_LOADER_STATE_DIR',
  socket: 'LOCKSTEP_LOADER_SOCKET',
  'hold-file': 'LOCKSTEP_LOADER_HOLD_FILE',
  'build-keys': 'LOCKSTEP_LOADER_BUILD_KEYS',
  'allow-unsigned': 'LOCKSTEP_LOADER_ALLOW_UNSIGNED',
  'look-every-ms': 'LOCKSTEP_LOADER_LOOK_EVERY_MS',
} as const;

export const loaderUsage = `node-agent.js loader: the half of the agent that loads livepatches. It has the kernel and no network, and loads only what
the load order that it follows has signed for this kernel, whatever the half with the network (node-agent.js --loader) says.

  --state-dir DIR        load order, modules                            $LOCKSTEP_LOADER_STATE_DIR
                         (default /var/lib/lockstep-loader)
  --socket PATH          where the other half finds it; "passed" by     $LOCKSTEP_LOADER_SOCKET
                         systemd (default /run/lockstep/loader.sock)
  --hold-file FILE       while it is there nothing is loaded            $LOCKSTEP_LOADER_HOLD_FILE
                         (default /etc/lockstep/hold)
  --build-keys FILE      load only what one of these keys has built     $LOCKSTEP_LOADER_BUILD_KEYS
                         (public keys, PEM; default: whatever the log orders)
  --allow-unsigned HASH,…  sha256 of older modules that no key signed   $LOCKSTEP_LOADER_ALLOW_UNSIGNED
  --look-every-ms MS     between looks at the kernel (default 5000)     $LOCKSTEP_LOADER_LOOK_EVERY_MS

The socket that it makes may be used by the user and the group that it runs as. Whose load order it follows is what it is told
first, kept in log-anchor.json.
`;

const form = z.object({
  'state-dir': z._default(z.string().check(z.startsWith('/')), '/var/lib/lockstep-loader'),
  socket: z._default(z.string().check(z.regex(/^(\/.+|passed)$/)), '/run/lockstep/loader.sock'),
  'hold-file': z.optional(z.string().check(z.startsWith('/'))),
  'build-keys': z.optional(z.string().check(z.startsWith('/'))),
  'allow-unsigned': z.optional(hashes),
  'look-every-ms': z.optional(interval(3_600_000)),
});

export interface LoaderConfig {
  readonly stateDir: string;
  /** A path, or `passed` by systemd. */
  readonly socket: string;
  readonly holdFile?: string;
  /** File of public keys: what they have not signed is not loaded. */
  readonly buildKeysFile?: string;
  /** Modules that are loaded although no build key signed them. */
  readonly allowUnsigned?: readonly Sha256[];
  readonly lookEveryMs?: number;
}

/** @throws LockstepError `invalid-input` naming the setting. */
export function readLoaderConfig(args: readonly string[], env: Readonly<NodeJS.ProcessEnv>): LoaderConfig | 'help' {
  const data = readSettings(settings, form, args, env);
  if (data === 'help') return 'help';
  const { socket, 'state-dir': stateDir, 'hold-file': holdFile, 'build-keys': buildKeysFile } = data;
  const { 'allow-unsigned': allowUnsigned, 'look-every-ms': lookEveryMs } = data;
  return {
    ...{ stateDir, socket },
    ...(holdFile === undefined ? {} : { holdFile }),
    ...(buildKeysFile === undefined ? {} : { buildKeysFile }),
    ...(allowUnsigned === undefined ? {} : { allowUnsigned: allowUnsigned.split(',').map(parseSha256) }),
    ...(lookEveryMs === undefined ? {} : { lookEveryMs }),
  };
}
