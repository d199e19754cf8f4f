// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { ExportedSymbol, KernelFacts } from './kernel-facts';

/** The first bytes of the format; the number rises with every change of it. */
const magic = 'lockstep-kernel-facts 4\n';

/** The JSON head: everything but the large parts, whose sizes (bytes) it gives in order. */
interface Head {
  readonly facts: Omit<KernelFacts, 'glue' | 'symbols' | 'exports'>;
  readonly exports: readonly ExportedSymbol[];
  readonly files: readonly string[];
  readonly sizes: readonly [names: number, fileOf: number, kinds: number, glue: number];
}

/** One byte string for the cache; the same facts give the same bytes. */
export function serialiseKernelFacts({ glue, symbols, exports, ...facts }: KernelFacts): Uint8Array {
  const encoder = new TextEncoder();
  const names = encoder.encode(symbols.names.join('\n'));
  const fileOf = new Uint8Array(symbols.fileOf.length * 4);
  const view = new DataView(fileOf.buffer);
  symbols.fileOf.forEach((file, index) => {
    view.setInt32(index * 4, file, true);
  });
  const head: Head = {
    facts,
    exports: [...exports.values()],
    files: symbols.files,
    sizes: [names.length, fileOf.length, symbols.kinds.length, glue.length],
  };
  const start = encoder.encode(`${magic}${JSON.stringify(head)}\n`);
  return concatenate([start, names, fileOf, symbols.kinds, glue]);
}

/** @throws LockstepError `corrupt` when the bytes are not those of serialiseKernelFacts */
export function parseKernelFacts(bytes: Uint8Array): KernelFacts {
  const headEnd = bytes.indexOf(0x0a, magic.length);
  const decoder = new TextDecoder();
  if (headEnd === -1 || decoder.decode(bytes.subarray(0, magic.length)) !== magic) throw corrupt('its first line');
  const head = parseHead(decoder.decode(bytes.subarray(magic.length, headEnd)));
  const [namesBytes, fileOfBytes, kindsBytes, glueBytes] = head.sizes;
  if (headEnd + 1 + namesBytes + fileOfBytes + kindsBytes + glueBytes !== bytes.length) throw corrupt('its length');

  let at = headEnd + 1;
  const take = (size: number) => bytes.subarray(at, (at += size));
  const names = decoder.decode(take(namesBytes)).split('\n');
  const fileOfData = take(fileOfBytes);
  const view = new DataView(fileOfData.buffer, fileOfData.byteOffset, fileOfData.byteLength);
  const fileOf = Int32Array.from({ length: fileOfBytes / 4 }, (_, index) => view.getInt32(index * 4, true));
  const kinds = take(kindsBytes);
  if (names.length !== fileOf.length || names.length !== kinds.length) throw corrupt('its symbol table');
  return {
    ...head.facts,
    symbols: { names, fileOf, files: head.files, kinds },
    exports: new Map(head.exports.map((symbol) => [symbol.name, symbol])),
    glue: take(glueBytes),
  };
}

function parseHead(json: string): Head {
  try {
    // Our own cache wrote it; lengths are checked against it by the caller.
    const head = JSON.parse(json) as Partial<Head>;
    if (head.facts === undefined || head.exports === undefined || head.files === undefined) throw corrupt('its head');
    if (head.sizes?.length !== 4) throw corrupt('its head');
    return head as Head;
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw corrupt('its head');
  }
}

function corrupt(what: string): LockstepError {
  return new LockstepError(
    'corrupt',
    'corrupt-kernel-facts',
    `The kept facts of a kernel build are damaged or of another version (${what}). Register the kernel build again.`,
    { what },
  );
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
