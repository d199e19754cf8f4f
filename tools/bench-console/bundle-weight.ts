// SPDX-License-Identifier: GPL-2.0-only
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

export interface BundleWeight {
  readonly files: number;
  readonly bytes: number;
  /** What a browser downloads of it that has looked at every page. */
  readonly gzipBytes: number;
}

/** Files that hold code or looks; pictures and fonts are dense already, and the same for everybody. */
const weighed: ReadonlySet<string> = new Set(['.js', '.mjs', '.css', '.html', '.ejs']);

/** Of a console as it was built, in the form in which every server can send it. @throws Error where there is nothing to weigh. */
export function bundleWeight(folder: string): BundleWeight {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && weighed.has(path.extname(entry.name)))
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name)));
  if (files.length === 0) throw new Error(`${folder} holds no built console.`);
  const sum = (sizeOf: (bytes: Buffer) => number): number => files.reduce((all, bytes) => all + sizeOf(bytes), 0);
  return {
    files: files.length,
    bytes: sum(({ length }) => length),
    gzipBytes: sum((bytes) => gzipSync(bytes, { level: 9 }).length),
  };
}
