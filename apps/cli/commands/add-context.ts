// SPDX-License-Identifier: GPL-2.0-only
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { parseAddress } from '@lockstep/io/rpc-client';
import type { Cli } from '../cli';
import { contextsFile, readContexts, writeContexts, type Context } from '../contexts';
import type { OutputOptions } from '../output-form';

interface Options extends OutputOptions {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly certFile?: string;
  readonly caFile?: string;
  readonly stateDir?: string;
}

/** What a command with this context would not find: it may come yet, so the context is kept. */
const missingFiles = ({ tokenFile, certFile, caFile, stateDir }: Context): string[] =>
  [tokenFile, certFile, caFile, stateDir].filter((file) => file !== undefined).filter((file) => !existsSync(file));

/** Files are kept by their whole paths: a context is used from anywhere. */
function contextOf({ server, tokenFile, certFile, caFile, stateDir }: Options): Context {
  if (
    stateDir === undefined &&
    (server === undefined || (tokenFile ?? certFile) === undefined || caFile === undefined)
  ) {
    const message =
      'Say where it is: --server with --token-file and --ca-file (or --cert-file and --ca-file), or on its own machine --state-dir.';
    throw new LockstepError('invalid-input', 'usage', message);
  }
  if (server !== undefined) parseAddress(server);
  return {
    ...(server === undefined ? {} : { server }),
    ...(tokenFile === undefined ? {} : { tokenFile: path.resolve(tokenFile) }),
    ...(certFile === undefined ? {} : { certFile: path.resolve(certFile) }),
    ...(caFile === undefined ? {} : { caFile: path.resolve(caFile) }),
    ...(stateDir === undefined ? {} : { stateDir: path.resolve(stateDir) }),
  };
}

export const addContext = (cli: Cli): Command =>
  new Command('add')
    .description('keep where a control plane is and who one is there; the first one is in use at once')
    .argument('<name>', 'what to call it; one of that name is replaced')
    .option('--json', 'print one JSON document')
    .option('--server <host:port>', 'operator address')
    .option('--token-file <file>', 'file with the operator token; the token itself is not kept here')
    .option('--cert-file <file>', 'file with your client certificate and its key')
    .option('--ca-file <file>', "certificate of the control plane's CA")
    .option('--state-dir <folder>', 'state folder of a control plane on this machine')
    .action((name: string, options: Options) =>
      cli.runHere({ json: options.json === true }, () => {
        const context = contextOf(options);
        const { current = name, contexts } = readContexts(cli.env);
        writeContexts(cli.env, { current, contexts: new Map([...contexts, [name, context]]) });
        const used = current === name ? ', and in use' : `; lockstep context use ${name} uses it`;
        const missing = missingFiles(context).map((file) => `\nNot there yet: ${file}`);
        const text = `Kept in ${contextsFile(cli.env)}${used}.${missing.join('')}`;
        return Promise.resolve({ document: { name, ...context, current: current === name }, text });
      }),
    );
