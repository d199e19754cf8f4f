// SPDX-License-Identifier: GPL-2.0-only
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { errorCode } from '@lockstep/platform/runtime';

/** What the page's build puts where each answer's nonce is to stand. */
export const noncePlace = '__CSP_NONCE__';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
/** These are compressed already. */
const isDense = (type: string): boolean => /^(image\/(png|x-icon)|font)/.test(type);

const year = 'public, max-age=31536000, immutable';
/** Asked for each time, and answered briefly where it is the same. */
const eachTime = 'no-cache';

type Encoding = 'br' | 'gzip';

export interface ConsoleFile {
  readonly type: string;
  readonly etag: string;
  readonly cacheControl: string;
  readonly bytes: Buffer;
}

export interface EncodedFile {
  readonly encoding: Encoding | undefined;
  readonly bytes: Buffer;
}

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);
const brotliQuality = 9;

const compress: Readonly<Record<Encoding, (bytes: Buffer) => Promise<Buffer>>> = {
  br: (bytes) => brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality } }),
  gzip: (bytes) => zip(bytes, { level: 9 }),
};

/** No file of ours is worth it below. */
const leastBytes = 1_024;

function encodingFor({ bytes, type }: ConsoleFile, accepted: string): Encoding | undefined {
  if (bytes.length < leastBytes || isDense(type)) return undefined;
  const offered = accepted.split(',').map((each) => each.trim().split(';')[0]);
  return (['br', 'gzip'] as const).find((encoding) => offered.includes(encoding));
}

/**
 * The console as it was built, in memory: about a megabyte, and a path that is no file's name is looked up in vain, whatever
 * it tries.
 */
export class ConsoleFiles {
  private readonly encoded = new Map<string, Promise<Buffer>>();

  private constructor(
    private readonly files: ReadonlyMap<string, ConsoleFile>,
    private readonly html: string,
  ) {}

  /** Undefined: there is no console in this folder. */
  static async read(folder: string): Promise<ConsoleFiles | undefined> {
    let entries;
    try {
      entries = await readdir(folder, { recursive: true, withFileTypes: true });
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    const files = new Map<string, ConsoleFile>();
    for (const entry of entries) {
      const type = types[path.extname(entry.name)];
      if (!entry.isFile() || type === undefined) continue;
      const place = path.join(entry.parentPath, entry.name);
      const bytes = await readFile(place);
      const name = path.relative(folder, place).split(path.sep).join('/');
      const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`;
      // Vite puts a hash of the content into the names there.
      const cacheControl = name.startsWith('assets/') ? year : eachTime;
      files.set(name, { type, etag, cacheControl, bytes });
    }
    const html = files.get('index.html')?.bytes.toString();
    files.delete('index.html');
    return html === undefined ? undefined : new ConsoleFiles(files, html);
  }

  find(name: string): ConsoleFile | undefined {
    return this.files.get(name);
  }

  /** As small as the reader can take it; made once. */
  async encode(file: ConsoleFile, acceptEncoding: string): Promise<EncodedFile> {
    const encoding = encodingFor(file, acceptEncoding);
    if (encoding === undefined) return { encoding, bytes: file.bytes };
    const key = `${encoding} ${file.etag}`;
    const made = this.encoded.get(key) ?? compress[encoding](file.bytes);
    this.encoded.set(key, made);
    return { encoding, bytes: await made };
  }

  /** The page, which is any path that is no file's, and the nonce that it has this time. */
  page(): { readonly html: string; readonly nonce: string } {
    const nonce = randomBytes(16).toString('base64url');
    return { html: this.html.replaceAll(noncePlace, nonce), nonce };
  }
}
