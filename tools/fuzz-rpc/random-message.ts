// SPDX-License-Identifier: GPL-2.0-only
import type { Descriptions, FieldDescription } from './descriptors';

/** From 0 to 1, the same for the same seed. */
export type Random = () => number;

const mostDepth = 4;

const pick = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Buffer.from(bytes);
}

const numbers = [0n, 1n, 2n, 7n, 255n, 65_536n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n, -1n];

const words = [
  ...[
    '',
    'web',
    'db',
    'web-1',
    '#3',
    '3',
    '..',
    '../../etc/passwd',
    '*',
    'a'.repeat(64),
    'ä'.repeat(40),
    '\u0000',
    '\ud800',
  ],
  ...['0'.repeat(64), 'ab'.repeat(20), '00000000-0000-0000-0000-000000000000', "'; DROP TABLE nodes; --", '{"a":1}'],
  ...[
    '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----',
    `lsjoin1.${'a'.repeat(43)}.${'0'.repeat(64)}`,
  ],
];

function bytesOf(random: Random): Buffer {
  const kind = random();
  if (kind < 0.7) return Buffer.from(pick(random, words));
  const length = Math.floor(random() ** 3 * 20_000);
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}

const lengthDelimited = (bytes: Buffer): Buffer => Buffer.concat([varint(BigInt(bytes.length)), bytes]);

const tag = (field: number, wire: number): Buffer => varint((BigInt(field) << 3n) | BigInt(wire));

function fieldOf(descriptions: Descriptions, field: FieldDescription, random: Random, depth: number): Buffer {
  const { number, type, typeName = '' } = field;
  switch (type) {
    case 'TYPE_MESSAGE':
      return Buffer.concat([tag(number, 2), lengthDelimited(randomMessage(descriptions, typeName, random, depth + 1))]);
    case 'TYPE_STRING':
    case 'TYPE_BYTES':
      return Buffer.concat([tag(number, 2), lengthDelimited(bytesOf(random))]);
    case 'TYPE_DOUBLE':
    case 'TYPE_FIXED64':
      return Buffer.concat([tag(number, 1), Buffer.from(Array.from({ length: 8 }, () => Math.floor(random() * 256)))]);
    default:
      return Buffer.concat([tag(number, 0), varint(pick(random, numbers))]);
  }
}

/** A message as its description has it, of values that somebody got wrong before. */
export function randomMessage(descriptions: Descriptions, name: string, random: Random, depth = 0): Buffer {
  const fields = descriptions.messages.get(name)?.field ?? [];
  const parts: Buffer[] = [];
  for (const field of depth > mostDepth ? [] : fields) {
    const times = field.label === 'LABEL_REPEATED' ? Math.floor(random() ** 2 * 6) : random() < 0.7 ? 1 : 0;
    for (let index = 0; index < times; index += 1) parts.push(fieldOf(descriptions, field, random, depth));
  }
  return Buffer.concat(parts);
}

/** The same with a few bytes changed, cut off or put in: often no message at all. */
export function damaged(message: Buffer, random: Random): Buffer {
  const bytes = Buffer.concat([message, Buffer.from([Math.floor(random() * 256)])]);
  const at = Math.floor(random() * bytes.length);
  if (random() < 0.5) return bytes.subarray(0, at);
  bytes.writeUInt8(Math.floor(random() * 256), at);
  return bytes;
}
