// SPDX-License-Identifier: GPL-2.0-only
import { createHash, randomBytes } from 'node:crypto';
import { appendFile, rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { OwnerKind, type CreateTokenRequest, type CreateTokenResponse } from '@lockstep/contracts/generated';
import { roleToWire } from '@lockstep/contracts/wire';
import { parseRole, roles as allRoles, type Role } from '@lockstep/domain/access';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { createCertificateRequest } from '@lockstep/io/certificates';
import type { Answer } from '../answer';
import { readTtlSeconds } from '../ttl-option';
import { writeNewFile } from '../file-fault';
import { collect, leafCommand, type Cli, type LeafOptions } from '../cli';
import { tokenDocument, tokenFields } from '../views/token-view';

interface Options extends LeafOptions {
  readonly role: readonly Role[];
  readonly owner?: string;
  readonly service?: string;
  readonly cluster?: readonly string[];
  readonly everywhere?: boolean;
  readonly selector?: string;
  readonly expires?: number;
  readonly out?: string;
  readonly certificateOut?: string;
}

/** @throws LockstepError `usage`. */
function ownerOf({ owner, service }: Options): { owner: string; ownerKind: OwnerKind } {
  if ((owner === undefined) === (service === undefined)) {
    const message = 'Say whose the token is: --owner for a person, or --service for a program.';
    throw new LockstepError('invalid-input', 'usage', message);
  }
  return service === undefined
    ? { owner: owner ?? '', ownerKind: OwnerKind.OWNER_KIND_PERSON }
    : { owner: service, ownerKind: OwnerKind.OWNER_KIND_SERVICE };
}

/** Made here: the control plane gets to know its digest alone. */
const newSecret = (): string => `lockstep_${randomBytes(32).toString('base64url')}`;

/** Into a file of its owner's alone, which must be new; there first, since nobody could tell the secret again. */
async function keepSecret<T>(secret: string, out: string | undefined, make: () => Promise<T>): Promise<T> {
  if (out === undefined) return make();
  await writeNewFile(out, `${secret}\n`, 0o600);
  try {
    return await make();
  } catch (error) {
    await rm(out);
    throw error;
  }
}

type Proof = Pick<CreateTokenRequest, 'secretSha256' | 'certificateRequest'>;
type Make = (proof: Proof) => Promise<CreateTokenResponse>;

const tokenText = (first: string, { token }: CreateTokenResponse): string =>
  token === undefined ? first : `${first}\n${tokenFields(token)}`;

async function madeWithSecret(out: string | undefined, make: Make): Promise<Answer> {
  const secret = newSecret();
  const secretSha256 = createHash('sha256').update(secret).digest('hex');
  const answer = await keepSecret(secret, out, () => make({ secretSha256, certificateRequest: '' }));
  const document = { token: tokenDocument(answer.token), ...(out === undefined ? { secret } : { file: out }) };
  return { document, text: tokenText(out === undefined ? secret : `Secret in ${out}.`, answer) };
}

/** Its key is made here, and goes nowhere. */
async function madeWithCertificate(file: string, make: Make): Promise<Answer> {
  const { privateKeyPem, requestPem } = await createCertificateRequest();
  const answer = await keepSecret(privateKeyPem.trim(), file, async () => {
    const made = await make({ secretSha256: '', certificateRequest: requestPem });
    await appendFile(file, made.certificate);
    return made;
  });
  const document = { token: tokenDocument(answer.token), file };
  return { document, text: tokenText(`Certificate and key in ${file}: --cert-file takes it.`, answer) };
}

/** @throws LockstepError `usage`. */
function made({ out, certificateOut }: Options, make: Make): Promise<Answer> {
  if (certificateOut === undefined) return madeWithSecret(out, make);
  if (out === undefined) return madeWithCertificate(certificateOut, make);
  const message = 'It is a secret or a certificate: say --out or --certificate-out.';
  throw new LockstepError('invalid-input', 'usage', message);
}

export const createToken = (cli: Cli): Command =>
  leafCommand('create', 'make an access token; its secret is shown once, and kept by nobody here')
    .argument('<name>', 'name of the token')
    .requiredOption(
      '--role <role>',
      `what it may, again for each: ${allRoles.join(', ')}`,
      (text: string, before: readonly Role[] | undefined) => [...(before ?? []), parseRole(text)],
    )
    .option('--owner <person>', 'whose it is')
    .option('--service <account>', 'the program whose it is')
    .option('--cluster <cluster>', 'where it may that, again for each', collect)
    .option('--everywhere', 'in every cluster, and for what is of none')
    .option('-l, --selector <selector>', 'there only for nodes with these labels: env=staging,tier!=db')
    .option('--expires <time>', 'after how long, as in 12h or 90d (default: 90d)', readTtlSeconds)
    .option('--out <file>', 'write the secret into this new file, and do not show it')
    .option(
      '--certificate-out <file>',
      'make a client certificate instead; it and its key go into this new file (--cert-file)',
    )
    .action((name: string, options: Options) =>
      cli.run(options, async ({ access, signal }) => {
        const { role, cluster = [], everywhere = false, selector = '', expires = 0 } = options;
        const about = {
          ...{ name, ...ownerOf(options), roles: role.map(roleToWire), ttlSeconds: expires },
          scope: { everywhere, clusters: [...cluster], selector },
        };
        return made(options, (proof) => access.createToken({ ...about, ...proof }, { signal }));
      }),
    );
