// SPDX-License-Identifier: GPL-2.0-only
import * as z from 'zod/mini';
import { parseAddress, parseAddresses } from '@lockstep/io/rpc-client';
import type { Enrolment } from '@lockstep/services/node-agent';
import { parseLabels, type Labels } from '@lockstep/domain/labels';
import { LockstepError, parseSha256, type Sha256 } from '@lockstep/domain/livepatch-model';
import { hashes, interval, readSettings } from './settings';

/** Each setting as a flag and as an environment variable; the flag wins. */
const settings = {
  server: 'LOCKSTEP_AGENT_SERVER',
  'join-token': 'LOCKSTEP_AGENT_JOIN_TOKEN',
  'state-dir': 'LOCKSTEP_AGENT_STATE_DIR',
  address: 'LOCKSTEP_AGENT_ADDRESS',
  'hold-file': 'LOCKSTEP_AGENT_HOLD_FILE',
  node: 'LOCKSTEP_AGENT_NODE',
  labels: 'LOCKSTEP_AGENT_LABELS',
  'metrics-file': 'LOCKSTEP_AGENT_METRICS_FILE',
  'build-keys': 'LOCKSTEP_AGENT_BUILD_KEYS',
  'allow-unsigned': 'LOCKSTEP_AGENT_ALLOW_UNSIGNED',
  'probe-commands': 'LOCKSTEP_AGENT_PROBE_COMMANDS',
  'look-every-ms': 'LOCKSTEP_AGENT_LOOK_EVERY_MS',
  'heartbeat-ms': 'LOCKSTEP_AGENT_HEARTBEAT_MS',
  loader: 'LOCKSTEP_AGENT_LOADER',
} as const;

/** What a loader of its own decides; said to the other half it would have no effect. */
const loaderSettings = ['hold-file', 'allow-unsigned', 'look-every-ms'] as const;

export const usage = `node-agent.js: keeps this machine's livepatches in step with its cluster.

  --server HOST:PORT     agents' port of the control plane, to enrol    $LOCKSTEP_AGENT_SERVER
  --node NAME            for a token that is for many machines          $LOCKSTEP_AGENT_NODE
                         (default the machine's host name)
  --join-token TOKEN     token from "lockstep node join"       $LOCKSTEP_AGENT_JOIN_TOKEN
  --state-dir DIR        key, load order, modules                       $LOCKSTEP_AGENT_STATE_DIR
                         (default /var/lib/lockstep-agent)
  --address HOST:PORT    agent port, if not as told at enrolment;       $LOCKSTEP_AGENT_ADDRESS
                         of several control planes all, with commas between
  --hold-file FILE       while it is there the agent only looks         $LOCKSTEP_AGENT_HOLD_FILE
                         (default /etc/lockstep/hold)
  --labels KEY=VALUE,…   by which operators choose nodes                $LOCKSTEP_AGENT_LABELS
  --metrics-file FILE    numbers for node_exporter's textfile folder    $LOCKSTEP_AGENT_METRICS_FILE
  --build-keys FILE      load only what one of these keys has built     $LOCKSTEP_AGENT_BUILD_KEYS
                         (public keys, PEM; default: whatever the log orders)
  --allow-unsigned HASH,…  sha256 of older modules that no key signed   $LOCKSTEP_AGENT_ALLOW_UNSIGNED
  --probe-commands FILE  what rollouts may have run here, by name       $LOCKSTEP_AGENT_PROBE_COMMANDS
                         (default /etc/lockstep/probes.json; with --build-keys signed by one of them)
  --look-every-ms MS     between looks at the kernel (default 5000)     $LOCKSTEP_AGENT_LOOK_EVERY_MS
  --heartbeat-ms MS      between reports without news (default 15000, at most 30000)  $LOCKSTEP_AGENT_HEARTBEAT_MS
  --loader SOCKET        where the loader listens, if it is a process   $LOCKSTEP_AGENT_LOADER
                         of its own: this one then needs no privileges, and the
                         loader must have build keys if this one has (default: loads itself)

"node node-agent.js loader" is the half that loads, without the network: see "node node-agent.js loader --help".

"node node-agent.js shutdown" (with the same --state-dir) says that the machine is being shut down in order: run it last, from
what brings the machine down. Without that a load that is not yet stable counts as survived by nobody.

Server and token are needed once; after that the state directory knows. Prefer the environment for the token: other
users can see flags.
`;

const form = z.object({
  server: z.optional(z.string().check(z.minLength(1))),
  'join-token': z.optional(z.string().check(z.minLength(1))),
  'state-dir': z._default(z.string().check(z.startsWith('/')), '/var/lib/lockstep-agent'),
  address: z.optional(z.string()),
  'hold-file': z.optional(z.string().check(z.startsWith('/'))),
  node: z.optional(z.string().check(z.minLength(1))),
  labels: z.optional(z.string()),
  'metrics-file': z.optional(z.string().check(z.startsWith('/'), z.endsWith('.prom'))),
  'build-keys': z.optional(z.string().check(z.startsWith('/'))),
  'allow-unsigned': z.optional(hashes),
  'probe-commands': z.optional(z.string().check(z.startsWith('/'))),
  'look-every-ms': z.optional(interval(3_600_000)),
  // The control plane takes a node that says nothing for a minute for one that hangs.
  'heartbeat-ms': z.optional(interval(30_000)),
  loader: z.optional(z.string().check(z.startsWith('/'))),
});

export interface AgentConfig {
  readonly stateDir: string;
  readonly enrolment?: Enrolment;
  readonly agentAddress?: string;
  readonly holdFile?: string;
  readonly labels?: Labels;
  readonly metricsFile?: string;
  /** File of public keys: what they have not signed is not loaded. */
  readonly buildKeysFile?: string;
  /** Modules that are loaded although no build key signed them. */
  readonly allowUnsigned?: readonly Sha256[];
  readonly probeCommandsFile?: string;
  readonly lookEveryMs?: number;
  readonly heartbeatMs?: number;
  /** Where the loader is found, if it is a process of its own. */
  readonly loaderSocket?: string;
}

/**
 * Written (flags, environment) → merged → validated.
 * @throws LockstepError `invalid-input` naming the setting.
 */
export function readConfig(args: readonly string[], env: Readonly<NodeJS.ProcessEnv>): AgentConfig | 'help' {
  const data = readSettings(settings, form, args, env);
  if (data === 'help') return 'help';
  const { server, address, node, loader, 'join-token': joinToken, 'state-dir': stateDir } = data;
  const {
    'hold-file': holdFile,
    labels,
    'metrics-file': metricsFile,
    'look-every-ms': lookEveryMs,
    'heartbeat-ms': heartbeatMs,
  } = data;
  const { 'build-keys': buildKeysFile, 'allow-unsigned': allowUnsigned, 'probe-commands': probeCommandsFile } = data;
  const lost = loaderSettings.find((name) => loader !== undefined && data[name] !== undefined);
  if (lost !== undefined) {
    const message = `--${lost} (${settings[lost]}) is for the loader, which decides on it: give it to lockstep-loader.service ($LOCKSTEP_LOADER_…), or leave out --loader.`;
    throw new LockstepError('invalid-input', 'usage', message, { setting: lost });
  }
  if (server !== undefined) parseAddress(server);
  if (address !== undefined) parseAddresses(address);
  return {
    stateDir,
    ...(server === undefined || joinToken === undefined
      ? {}
      : { enrolment: { server, joinToken, ...(node === undefined ? {} : { machine: node }) } }),
    ...(address === undefined ? {} : { agentAddress: address }),
    ...(holdFile === undefined ? {} : { holdFile }),
    ...(buildKeysFile === undefined ? {} : { buildKeysFile }),
    ...(allowUnsigned === undefined ? {} : { allowUnsigned: allowUnsigned.split(',').map(parseSha256) }),
    ...(probeCommandsFile === undefined ? {} : { probeCommandsFile }),
    ...(labels === undefined ? {} : { labels: parseLabels(labels) }),
    ...(metricsFile === undefined ? {} : { metricsFile }),
    ...(lookEveryMs === undefined ? {} : { lookEveryMs }),
    ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
    ...(loader === undefined ? {} : { loaderSocket: loader }),
  };
}
