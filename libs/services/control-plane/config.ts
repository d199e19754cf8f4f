// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { readStorePlace, type StorePlace } from '@lockstep/io/artifact-store';
import { listenAddressForm, type ListenAddress } from '@lockstep/io/monitoring-port';
import { parsePrometheusUrl } from '@lockstep/io/prometheus';
import { z } from 'zod';
import type { NodeRates } from './agents/node-limits';
import { returnGraceMs } from './agents/return-time';

/** As written: the environment's strings. */
export type WrittenConfig = Readonly<Record<string, string | undefined>>;

/** Validated: all that the control plane is told from outside. */
export interface ControlPlaneConfig {
  /** pki/, operator.token, postgres/, endpoint.json. */
  readonly stateDir: string;
  readonly artifactDir: string;
  /** That folder, or the bucket that the environment names. */
  readonly artifacts: StorePlace;
  /** What the artifact store may hold, if what is in use allows. */
  readonly storeMaxBytes: number;
  /** How often that is looked at. */
  readonly storeCheckMs: number;
  /** How often it looks for nodes that were silent for too long, and how long after its start for the first time. */
  readonly silenceCheckMs: number;
  /** A node whose stream ended is lost after so long, and what a fleet needs to return. */
  readonly returnGraceMs: number;
  /** Keep a copy of each registered kernel build there, for workers that lack it. */
  readonly shareKernels: boolean;
  readonly listenHost: string;
  readonly operatorPort: number;
  readonly agentPort: number;
  readonly nodeRates: NodeRates;
  /** Of the HTTP API, with TLS; undefined: there is none. */
  readonly httpPort: number | undefined;
  /** The console's built files; undefined: beside the program. */
  readonly consoleDir: string | undefined;
  /** Describes an identity provider for people; undefined: there is none. */
  readonly oidcFile: string | undefined;
  /** Where metrics and health are told, without TLS; undefined: nowhere. */
  readonly monitoringListen: ListenAddress | undefined;
  /** Where agents find the agent port, or those of several control planes; by default the host they reached the operator port by. */
  readonly agentAddress: string | undefined;
  /** DNS names and IP addresses in the server certificate, besides localhost. */
  readonly tlsNames: readonly string[];
  /** One of several control planes on the database. */
  readonly isOneOfSeveral: boolean;
  /** A first start makes the keys by itself: for trying out. Otherwise `init` does, once. */
  readonly initialises: boolean;
  /** pki/ and operator.token: control planes of one database share them. */
  readonly keysDir: string;
  /** Undefined: an embedded PostgreSQL on `postgresPort`. */
  readonly databaseUrl: string | undefined;
  readonly postgresPort: number;
  /** Endpoints of webhooks may be on this machine, and be called by plain http. */
  readonly webhooksMayBeLocal: boolean;
  /** After the first delivery that failed; doubled each time. */
  readonly webhookFirstRetryMs: number;
  /** Where metric gates are asked; undefined: nowhere. */
  readonly prometheusUrl: URL | undefined;
  readonly gateEveryMs: number;
  /** Undefined: jobs are kept in PostgreSQL too. */
  readonly redisUrl: string | undefined;
}

/** Each step of a load that changes much is a report. */
const reportsAtOnce = 50;
/** One that was away fetches what it has missed. */
const callsAtOnce = 200;

const defaults = {
  LOCKSTEP_STATE_DIR: '/var/lib/lockstep',
  LOCKSTEP_LISTEN_HOST: '127.0.0.1',
  LOCKSTEP_OPERATOR_PORT: '7443',
  LOCKSTEP_AGENT_PORT: '7444',
  LOCKSTEP_HTTP_PORT: 'off',
  LOCKSTEP_MONITORING_LISTEN: '127.0.0.1:7445',
  LOCKSTEP_POSTGRES_PORT: '17432',
  LOCKSTEP_TLS_NAMES: '',
  LOCKSTEP_STORE_MAX_BYTES: String(64 * 2 ** 30),
  LOCKSTEP_STORE_CHECK_SECONDS: '600',
  LOCKSTEP_SILENCE_CHECK_SECONDS: '3600',
  LOCKSTEP_RETURN_GRACE_SECONDS: String(returnGraceMs / 1000),
  LOCKSTEP_SHARE_KERNELS: 'on',
  LOCKSTEP_WEBHOOK_LOCAL: 'off',
  LOCKSTEP_WEBHOOK_FIRST_RETRY_MS: '5000',
  LOCKSTEP_REPLICAS: 'one',
  LOCKSTEP_AUTO_INIT: 'off',
  LOCKSTEP_GATE_SECONDS: '15',
  LOCKSTEP_NODE_REPORTS_PER_SECOND: '5',
  LOCKSTEP_NODE_CALLS_PER_SECOND: '5',
} as const;

const perSecond = z.coerce.number().int().min(1).max(100_000);
const port = z.coerce.number().int().min(1).max(65_535);
const url = (...protocols: string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    error: `must be a ${protocols.join(' or ')}//… URL`,
  });

const schema = z.object({
  LOCKSTEP_STATE_DIR: z.string().min(1),
  LOCKSTEP_ARTIFACT_DIR: z.string().min(1).optional(),
  LOCKSTEP_LISTEN_HOST: z.string().min(1),
  LOCKSTEP_OPERATOR_PORT: port,
  LOCKSTEP_AGENT_PORT: port,
  LOCKSTEP_HTTP_PORT: z.union([z.literal('off').transform(() => undefined), port]),
  LOCKSTEP_CONSOLE_DIR: z.string().min(1).optional(),
  LOCKSTEP_OIDC_FILE: z.string().min(1).optional(),
  LOCKSTEP_MONITORING_LISTEN: listenAddressForm,
  LOCKSTEP_AGENT_ADDRESS: z
    .string()
    .regex(/^[^,]+:\d{1,5}(,[^,]+:\d{1,5})*$/, 'must be host:port, or several with commas between')
    .optional(),
  LOCKSTEP_TLS_NAMES: z.string(),
  LOCKSTEP_DATABASE_URL: url('postgresql:', 'postgres:').optional(),
  LOCKSTEP_POSTGRES_PORT: port,
  LOCKSTEP_REDIS_URL: url('redis:', 'rediss:').optional(),
  LOCKSTEP_STORE_MAX_BYTES: z.coerce.number().int().min(0),
  LOCKSTEP_STORE_CHECK_SECONDS: z.coerce.number().int().min(1).max(86_400),
  LOCKSTEP_SILENCE_CHECK_SECONDS: z.coerce.number().int().min(1).max(86_400),
  LOCKSTEP_RETURN_GRACE_SECONDS: z.coerce.number().int().min(1).max(3_600),
  LOCKSTEP_SHARE_KERNELS: z.enum(['on', 'off']),
  LOCKSTEP_WEBHOOK_LOCAL: z.enum(['on', 'off']),
  LOCKSTEP_WEBHOOK_FIRST_RETRY_MS: z.coerce.number().int().min(100).max(3_600_000),
  LOCKSTEP_REPLICAS: z.enum(['one', 'several']),
  LOCKSTEP_AUTO_INIT: z.enum(['on', 'off']),
  LOCKSTEP_NODE_REPORTS_PER_SECOND: perSecond,
  LOCKSTEP_NODE_CALLS_PER_SECOND: perSecond,
  LOCKSTEP_KEYS_DIR: z.string().min(1).optional(),
  LOCKSTEP_PROMETHEUS_URL: url('http:', 'https:').optional(),
  LOCKSTEP_GATE_SECONDS: z.coerce.number().int().min(1).max(60),
});

/** Merged: what is written over the defaults; an empty string is as good as nothing. */
function merge(written: WrittenConfig): Record<string, string> {
  const given = Object.entries(written).flatMap(([key, value]) => (value ? [[key, value] as const] : []));
  return { ...defaults, ...Object.fromEntries(given) };
}

/** @throws LockstepError `invalid-input` `invalid-config` naming every variable that is wrong. */
export function readControlPlaneConfig(written: WrittenConfig): ControlPlaneConfig {
  const parsed = schema.safeParse(merge(written));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new LockstepError('invalid-input', 'invalid-config', `The configuration is wrong: ${problems.join('; ')}.`, {
      problems,
    });
  }
  const given = parsed.data;
  if (given.LOCKSTEP_REPLICAS === 'several' && given.LOCKSTEP_DATABASE_URL === undefined) {
    const message = 'LOCKSTEP_REPLICAS=several needs LOCKSTEP_DATABASE_URL: several control planes share one database.';
    throw new LockstepError('invalid-input', 'invalid-config', message, { problems: ['LOCKSTEP_DATABASE_URL'] });
  }
  const stateDir = path.resolve(given.LOCKSTEP_STATE_DIR);
  const artifactDir = path.resolve(given.LOCKSTEP_ARTIFACT_DIR ?? path.join(stateDir, 'artifacts'));
  return {
    stateDir,
    artifactDir,
    artifacts: readStorePlace(written, artifactDir),
    storeMaxBytes: given.LOCKSTEP_STORE_MAX_BYTES,
    storeCheckMs: given.LOCKSTEP_STORE_CHECK_SECONDS * 1000,
    silenceCheckMs: given.LOCKSTEP_SILENCE_CHECK_SECONDS * 1000,
    returnGraceMs: given.LOCKSTEP_RETURN_GRACE_SECONDS * 1000,
    shareKernels: given.LOCKSTEP_SHARE_KERNELS === 'on',
    webhooksMayBeLocal: given.LOCKSTEP_WEBHOOK_LOCAL === 'on',
    webhookFirstRetryMs: given.LOCKSTEP_WEBHOOK_FIRST_RETRY_MS,
    listenHost: given.LOCKSTEP_LISTEN_HOST,
    operatorPort: given.LOCKSTEP_OPERATOR_PORT,
    agentPort: given.LOCKSTEP_AGENT_PORT,
    nodeRates: {
      reports: { perSecond: given.LOCKSTEP_NODE_REPORTS_PER_SECOND, burst: reportsAtOnce },
      calls: { perSecond: given.LOCKSTEP_NODE_CALLS_PER_SECOND, burst: callsAtOnce },
    },
    httpPort: given.LOCKSTEP_HTTP_PORT,
    consoleDir: given.LOCKSTEP_CONSOLE_DIR,
    oidcFile: given.LOCKSTEP_OIDC_FILE,
    monitoringListen: given.LOCKSTEP_MONITORING_LISTEN,
    agentAddress: given.LOCKSTEP_AGENT_ADDRESS,
    tlsNames: given.LOCKSTEP_TLS_NAMES.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()])),
    isOneOfSeveral: given.LOCKSTEP_REPLICAS === 'several',
    initialises: given.LOCKSTEP_AUTO_INIT === 'on',
    keysDir: path.resolve(given.LOCKSTEP_KEYS_DIR ?? stateDir),
    databaseUrl: given.LOCKSTEP_DATABASE_URL,
    postgresPort: given.LOCKSTEP_POSTGRES_PORT,
    redisUrl: given.LOCKSTEP_REDIS_URL,
    prometheusUrl:
      given.LOCKSTEP_PROMETHEUS_URL === undefined ? undefined : parsePrometheusUrl(given.LOCKSTEP_PROMETHEUS_URL),
    gateEveryMs: given.LOCKSTEP_GATE_SECONDS * 1000,
  };
}
