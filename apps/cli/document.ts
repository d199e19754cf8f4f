// SPDX-License-Identifier: GPL-2.0-only

/** `BUILD_STATUS_RUNNING` of a generated enum as `running`. */
export function enumWord(names: Readonly<Record<number, string>>, prefix: string, value: number): string {
  const name = names[value] ?? `${prefix}UNKNOWN_${value}`;
  return name.slice(prefix.length).toLowerCase().replaceAll('_', '-');
}

/**
 * A message as plain JSON: dates as ISO texts, bytes as text, a oneof as `{case: value}`, absent as null.
 * Defaults stay (position 0 is a position).
 */
export function toDocument(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (Array.isArray(value)) return value.map(toDocument);
  if (typeof value !== 'object') return value;
  if ('$case' in value && 'value' in value) return { [String(value.$case)]: toDocument(value.value) };
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, toDocument(field)]));
}
