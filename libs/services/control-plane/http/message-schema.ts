// SPDX-License-Identifier: GPL-2.0-only
import { enums, messages, type FieldDescriptor } from './descriptors';

/** A JSON Schema, as OpenAPI 3.1 takes it. */
export type Schema = Readonly<Record<string, unknown>>;

const timestamp = '.google.protobuf.Timestamp';

const scalars: Readonly<Record<string, Schema>> = {
  TYPE_STRING: { type: 'string' },
  TYPE_BOOL: { type: 'boolean' },
  TYPE_BYTES: { type: 'string', format: 'byte' },
  TYPE_DOUBLE: { type: 'number' },
  TYPE_UINT32: { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 },
  TYPE_UINT64: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  TYPE_INT32: { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
  TYPE_INT64: { type: 'integer' },
};

/** `.lockstep.v1.Transition.Blocker` → `Transition.Blocker`. */
export const schemaName = (typeName: string): string => typeName.replace(/^\.lockstep\.v1\./, '');

function valueSchema({ type, typeName = '' }: FieldDescriptor): Schema {
  if (typeName === timestamp) return { type: 'string', format: 'date-time' };
  const known = enums.get(typeName);
  if (known !== undefined) return { type: 'string', enum: known.value.map(({ name }) => name) };
  if (type === 'TYPE_MESSAGE') return { $ref: `#/components/schemas/${schemaName(typeName)}` };
  return scalars[type] ?? {};
}

export function fieldSchema(field: FieldDescriptor): Schema {
  const entry = messages.get(field.typeName ?? '')?.descriptor;
  if (entry?.options?.mapEntry === true) {
    const value = entry.field?.find(({ name }) => name === 'value');
    return { type: 'object', additionalProperties: value === undefined ? {} : valueSchema(value) };
  }
  const one = valueSchema(field);
  return field.label === 'LABEL_REPEATED' ? { type: 'array', items: one } : one;
}

/** A message in protobuf's JSON form, without the fields that stand elsewhere. What has its default value may be absent. */
export function messageSchema(typeName: string, without: readonly string[] = []): Schema {
  const described = messages.get(typeName);
  const fields = described?.descriptor.field ?? [];
  const properties = fields.flatMap((field, index) => {
    if (without.includes(field.jsonName)) return [];
    const description = described?.fieldComments[index] ?? '';
    return [[field.jsonName, { ...fieldSchema(field), ...(description === '' ? {} : { description }) }] as const];
  });
  return {
    type: 'object',
    ...(described?.comment ? { description: described.comment } : {}),
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  };
}

const namesIn = (typeName: string): string[] =>
  (messages.get(typeName)?.descriptor.field ?? []).flatMap(({ typeName: of, type }) =>
    type === 'TYPE_MESSAGE' && of !== undefined && of !== timestamp ? [of] : [],
  );

/** The schemas of these messages and of all that they hold, by name. */
export function componentSchemas(typeNames: readonly string[]): Record<string, Schema> {
  const reached = new Set<string>();
  const left = [...typeNames];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    left.push(...namesIn(next));
  }
  const wanted = [...reached].filter((name) => messages.get(name)?.descriptor.options?.mapEntry !== true).sort();
  return Object.fromEntries(wanted.map((name) => [schemaName(name), messageSchema(name)]));
}
