// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** Where a key is that leaves its token never. */
export interface TokenKey {
  /** The token's PKCS#11 library. */
  readonly modulePath: string;
  readonly tokenLabel: string;
  /** CKA_ID, hex. */
  readonly id: string;
  readonly pinFile: string;
}

const example =
  'pkcs11:token=LABEL;id=%01?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/lockstep/pin';

const refused = (why: string): LockstepError =>
  new LockstepError(
    'invalid-input',
    'invalid-build-key',
    `This is no key on a token: ${why}. It is written as ${example}`,
  );

function attributesOf(text: string, separator: string, known: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const part of text.split(separator).filter((each) => each !== '')) {
    const [name = '', ...value] = part.split('=');
    // A key by its name: tools sign with another one where there is none of that name.
    if (!known.includes(name)) throw refused(`"${name}" is not used here`);
    if (found.has(name)) throw refused(`"${name}" is there twice`);
    found.set(name, value.join('='));
  }
  return found;
}

/** Each `%XX` is a byte, and so is each letter. */
function bytesOf(text: string): Buffer {
  if (!/^(?:%[0-9A-Fa-f]{2}|[^%])*$/.test(text)) throw refused(`"${text}" is not percent-encoded`);
  return Buffer.concat(
    Array.from(text.matchAll(/%([0-9A-Fa-f]{2})|[^%]/g), ([letter, hex]) =>
      hex === undefined ? Buffer.from(letter) : Buffer.from(hex, 'hex'),
    ),
  );
}

/** @param uri of RFC 7512: the token by its label, the key by its id, the library, and a file with the PIN. @throws LockstepError `invalid-input` `invalid-build-key`. */
export function parseTokenKey(uri: string): TokenKey {
  const [, path = '', query = ''] = /^pkcs11:([^?]*)(?:\?(.*))?$/.exec(uri) ?? [];
  const where = attributesOf(path, ';', ['token', 'id']);
  const how = attributesOf(query, '&', ['module-path', 'pin-source']);
  const need = (from: ReadonlyMap<string, string>, name: string): Buffer => {
    const value = bytesOf(from.get(name) ?? '');
    if (value.length === 0) throw refused(`"${name}" is missing`);
    return value;
  };
  const pinFile = need(how, 'pin-source')
    .toString()
    .replace(/^file:(?:\/\/)?/, '');
  if (!pinFile.startsWith('/')) throw refused('"pin-source" is to be a file, by its whole path');
  return {
    modulePath: need(how, 'module-path').toString(),
    tokenLabel: need(where, 'token').toString(),
    id: need(where, 'id').toString('hex'),
    pinFile,
  };
}
