// SPDX-License-Identifier: GPL-2.0-only
import { spawn } from 'node:child_process';
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { signedText, withBuildSignature } from '@lockstep/domain/klp-module';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { BuildSigner } from './build-key';
import { parseTokenKey, type TokenKey } from './pkcs11-uri';

/** OpenSC's, which speaks to any token's library in a process of its own: a library that crashes takes no worker with it. */
const tool = 'pkcs11-tool';
const pinVariable = 'LOCKSTEP_PKCS11_PIN';
/** A token on a network may take its time. */
const answersWithinMs = 60_000;

function failure(what: string, said: string): LockstepError {
  const message = `The token ${what}: ${said.trim().replace(/\s+/g, ' ') || 'it did not say why'}.`;
  return new LockstepError('invalid-input', 'build-token-failed', message);
}

/** @param pin goes by the environment: a command line is there for everybody to read. */
function ask(args: readonly string[], input: Uint8Array, pin: string | undefined): Promise<Buffer> {
  const env = { ...process.env, ...(pin === undefined ? {} : { [pinVariable]: pin }) };
  return new Promise((resolve, reject) => {
    const child = spawn(tool, args, { env, stdio: 'pipe', timeout: answersWithinMs });
    const [out, errors]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.on('error', (error) => {
      reject(failure(`cannot be asked, for ${tool} (OpenSC) does not run`, error.message));
    });
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out));
      else reject(failure('refused', Buffer.concat(errors).toString()));
    });
    // It may have ended already: then it says why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

const placeOf = ({ modulePath, tokenLabel, id }: TokenKey): string[] => [
  ...['--module', modulePath, '--token-label', tokenLabel, '--id', id],
];

async function publicKeyOf(key: TokenKey): Promise<KeyObject> {
  const bytes = await ask([...placeOf(key), '--read-object', '--type', 'pubkey'], new Uint8Array(), undefined);
  // By kind of key and version of the tool the one or the other.
  const isPem = bytes.toString('latin1').startsWith('-----');
  const publicKey = createPublicKey(isPem ? bytes : { key: bytes, format: 'der', type: 'spki' });
  if (publicKey.asymmetricKeyType === 'ed25519') return publicKey;
  throw failure('has another key there', `it is of type ${publicKey.asymmetricKeyType ?? 'unknown'}, not Ed25519`);
}

/**
 * The build key on a token. It signs a trial at once: a worker whose token refuses it must not find out after an hour's build.
 * @param uri as `parseTokenKey` reads it
 * @throws LockstepError `invalid-input` `invalid-build-key`, `build-token-failed`.
 */
export async function openTokenSigner(uri: string): Promise<BuildSigner> {
  const key = parseTokenKey(uri);
  const pin = await readFile(key.pinFile, 'utf8').catch((error: unknown) => {
    throw failure('cannot be opened', (error as Error).message);
  });
  const publicKey = await publicKeyOf(key).catch((error: unknown) => {
    throw error instanceof LockstepError ? error : failure('has no public key there', (error as Error).message);
  });
  const login = [...placeOf(key), '--login', '--pin', `env:${pinVariable}`];
  const sign = async (text: Uint8Array): Promise<Buffer> => {
    const signature = await ask([...login, '--sign', '--mechanism', 'EDDSA'], text, pin.trim());
    // Of several keys a tool may take another one than it was asked for.
    if (signature.length === 64 && verify(null, text, publicKey, signature)) return signature;
    throw failure('signed something else', 'its signature is not that of the key with this id');
  };
  await sign(Buffer.from('lockstep trial'));
  return {
    sign: async (module) => withBuildSignature(module, await sign(signedText(sha256OfBytes(module)))),
  };
}
