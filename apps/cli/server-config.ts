// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { parseAddress, reachableAddress, showAddress, type OperatorConnection } from '@lockstep/io/rpc-client';
import { z } from 'zod';
import { readContexts, requireContext, type Context } from './contexts';
import { fileFault } from './file-fault';

/** As written in flags (`--server`, …). */
export interface ServerFlags {
  readonly server?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly stateDir?: string | undefined;
  readonly why?: string | undefined;
  /** Of `lockstep context`. */
  readonly context?: string | undefined;
}

interface MergedConfig {
  readonly address?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly caFile?: string | undefined;
}

const endpointForm = z.object({ operatorAddress: z.string().min(1) });

const notConfigured = (message: string, fields: Record<string, string> = {}, cause?: unknown): LockstepError =>
  new LockstepError('invalid-input', 'not-configured', message, fields, { cause });

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw notConfigured(`The ${what} ${file} cannot be read: ${fileFault(error)}.`, { file }, error);
  }
}

/** The address in `endpoint.json`; a server on all interfaces is reached by loopback. */
function localAddress(stateDir: string): string | undefined {
  const file = path.join(stateDir, 'endpoint.json');
  if (!existsSync(file)) return undefined;
  try {
    const { operatorAddress } = endpointForm.parse(JSON.parse(readText(file, 'endpoint file')));
    return showAddress(reachableAddress(parseAddress(operatorAddress), { host: '127.0.0.1', port: 0 }));
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw notConfigured(`The endpoint file ${file} is not a control plane's: name the server with --server.`, { file });
  }
}

const inState = (stateDir: string | undefined, file: string): string | undefined =>
  stateDir === undefined ? undefined : path.join(stateDir, file);

/** Once there was more than one authority, all that are trusted. */
function trustedFile(stateDir: string | undefined): string | undefined {
  const file = inState(stateDir, 'pki/trusted.crt');
  return file !== undefined && existsSync(file) ? file : inState(stateDir, 'pki/ca.crt');
}

/** Its own settings over what the state directory of a control plane on this machine says. */
const fromContext = ({ server, tokenFile, certFile, caFile, stateDir }: Context): MergedConfig => ({
  address: server ?? (stateDir === undefined ? undefined : localAddress(stateDir)),
  tokenFile: tokenFile ?? (certFile === undefined ? inState(stateDir, 'operator.token') : undefined),
  certFile,
  caFile: caFile ?? trustedFile(stateDir),
});

const contextOfEnvironment = (env: Readonly<NodeJS.ProcessEnv>): Context => ({
  server: env['LOCKSTEP_SERVER'],
  tokenFile: env['LOCKSTEP_TOKEN_FILE'],
  certFile: env['LOCKSTEP_CERT_FILE'],
  caFile: env['LOCKSTEP_CA_FILE'],
  stateDir: env['LOCKSTEP_STATE_DIR'],
});

const isEmpty = (context: Context): boolean => Object.values(context).every((value) => value === undefined);

/** One source whole, so that no token goes to another's server: the context that is named, the environment, the one in use. */
function settled({ context: named, stateDir }: ServerFlags, env: Readonly<NodeJS.ProcessEnv>): Context {
  if (named !== undefined) return requireContext(readContexts(env), named);
  if (stateDir !== undefined) return { stateDir };
  const environment = contextOfEnvironment(env);
  const ofEnvironment = env['LOCKSTEP_CONTEXT'];
  if (ofEnvironment === undefined && !isEmpty(environment)) return environment;
  const contexts = readContexts(env);
  const name = ofEnvironment ?? contexts.current;
  return name === undefined ? {} : requireContext(contexts, name);
}

/** A file that is named by a flag is the proof, whichever it is. */
const proofOf = (flags: ServerFlags, rest: Context): Pick<Context, 'tokenFile' | 'certFile'> =>
  flags.tokenFile === undefined && flags.certFile === undefined
    ? { tokenFile: rest.tokenFile, certFile: rest.certFile }
    : { tokenFile: flags.tokenFile, certFile: flags.certFile };

/** Flags over all else. */
function merge(flags: ServerFlags, env: Readonly<NodeJS.ProcessEnv>): MergedConfig {
  const { server, caFile } = flags;
  const rest = settled(flags, env);
  return fromContext({
    ...rest,
    server: server ?? rest.server,
    ...proofOf(flags, rest),
    caFile: caFile ?? rest.caFile,
  });
}

/** Where the control plane is, whom to trust and as whom to speak. @throws LockstepError `not-configured`. */
export function readServerConfig(flags: ServerFlags, env: Readonly<NodeJS.ProcessEnv>): OperatorConnection {
  const { address, tokenFile, certFile, caFile } = merge(flags, env);
  const isNobody = tokenFile === undefined && certFile === undefined;
  if (address === undefined || isNobody || caFile === undefined) {
    const missing = [
      ...(address === undefined ? ['--server (LOCKSTEP_SERVER)'] : []),
      ...(isNobody ? ['--token-file (LOCKSTEP_TOKEN_FILE)'] : []),
      ...(caFile === undefined ? ['--ca-file (LOCKSTEP_CA_FILE)'] : []),
    ];
    throw notConfigured(
      `Which control plane? Give ${missing.join(', ')}, or on its own machine --state-dir (LOCKSTEP_STATE_DIR); or keep it: lockstep context add.`,
    );
  }
  parseAddress(address);
  return {
    address,
    ...(tokenFile !== undefined && { token: readText(tokenFile, 'token file').trim() }),
    ...(certFile !== undefined && { clientCertificate: readText(certFile, 'client certificate') }),
    ca: readText(caFile, 'CA certificate'),
    because: flags.why,
  };
}
