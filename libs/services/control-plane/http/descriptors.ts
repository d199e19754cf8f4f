// SPDX-License-Identifier: GPL-2.0-only
import * as generated from '@lockstep/contracts/generated';
import set from '@lockstep/contracts/generated/descriptors';
import { operatorCalls, type OperatorCallName } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** What is used here of descriptor.proto, in its JSON form. */
export interface FieldDescriptor {
  readonly name: string;
  readonly jsonName: string;
  readonly type: string;
  readonly label: string;
  /** `.lockstep.v1.Node` of a message or an enum. */
  readonly typeName?: string;
}

export interface MessageDescriptor {
  readonly name: string;
  readonly field?: readonly FieldDescriptor[];
  readonly nestedType?: readonly MessageDescriptor[];
  readonly options?: { readonly mapEntry?: boolean };
}

export interface EnumDescriptor {
  readonly name: string;
  readonly value: readonly { readonly name: string }[];
}

interface MethodDescriptor {
  readonly name: string;
  readonly inputType: string;
  readonly outputType: string;
}

interface FileDescriptor {
  readonly package: string;
  readonly messageType?: readonly MessageDescriptor[];
  readonly enumType?: readonly EnumDescriptor[];
  readonly service?: readonly { readonly name: string; readonly method: readonly MethodDescriptor[] }[];
  readonly sourceCodeInfo: {
    readonly location: readonly { readonly path?: readonly number[]; readonly leadingComments?: string }[];
  };
}

const files = set.file as unknown as readonly FileDescriptor[];

/** Comments of the .proto files, by the place that descriptor.proto gives each thing in its file. */
function commentsOf(file: FileDescriptor): (...path: readonly number[]) => string {
  const known = new Map(
    file.sourceCodeInfo.location.flatMap(({ path = [], leadingComments }) =>
      leadingComments === undefined ? [] : [[path.join('.'), leadingComments.trim().replace(/\n */g, '\n')] as const],
    ),
  );
  return (...path) => known.get(path.join('.')) ?? '';
}

export interface DescribedMessage {
  readonly descriptor: MessageDescriptor;
  readonly comment: string;
  readonly fieldComments: readonly string[];
}

const messagePath = 4;
const fieldPath = 2;
const nestedPath = 3;
const servicePath = 6;

function describe(
  name: string,
  descriptor: MessageDescriptor,
  comment: (...path: readonly number[]) => string,
  path: readonly number[],
): (readonly [string, DescribedMessage])[] {
  const fieldComments = (descriptor.field ?? []).map((_, index) => comment(...path, fieldPath, index));
  return [
    [name, { descriptor, comment: comment(...path), fieldComments }],
    ...(descriptor.nestedType ?? []).flatMap((nested, index) =>
      describe(`${name}.${nested.name}`, nested, comment, [...path, nestedPath, index]),
    ),
  ];
}

/** Every message of the API by its full name, as `.lockstep.v1.Node`. */
export const messages: ReadonlyMap<string, DescribedMessage> = new Map(
  files.flatMap((file) => {
    const comment = commentsOf(file);
    return (file.messageType ?? []).flatMap((descriptor, index) =>
      describe(`.${file.package}.${descriptor.name}`, descriptor, comment, [messagePath, index]),
    );
  }),
);

export const enums: ReadonlyMap<string, EnumDescriptor> = new Map(
  files.flatMap((file) => (file.enumType ?? []).map((each) => [`.${file.package}.${each.name}`, each] as const)),
);

export interface DescribedCall {
  readonly name: OperatorCallName;
  /** Of gRPC: `/lockstep.v1.FleetService/ListNodes`. */
  readonly grpcPath: string;
  readonly service: string;
  readonly comment: string;
  readonly inputType: string;
  readonly outputType: string;
}

const isOperatorCall = (name: string): name is OperatorCallName => Object.hasOwn(operatorCalls, name);

/** Every operator call, by the name that it has in code. */
export const calls: readonly DescribedCall[] = files.flatMap((file) => {
  const comment = commentsOf(file);
  return (file.service ?? []).flatMap((service, at) =>
    service.method.flatMap(({ name: method, inputType, outputType }, index) => {
      const name = method.charAt(0).toLowerCase() + method.slice(1);
      if (!isOperatorCall(name)) return [];
      const grpcPath = `/${file.package}.${service.name}/${method}`;
      const about = { service: service.name, comment: comment(servicePath, at, 2, index), inputType, outputType };
      return [{ name, grpcPath, ...about }];
    }),
  );
});

/** @throws LockstepError `internal`: the messages were generated from other files than the calls. */
export function callNamed(name: OperatorCallName): DescribedCall {
  const call = calls.find((each) => each.name === name);
  if (call !== undefined) return call;
  throw new LockstepError('internal', 'no-call', `The call ${name} is not generated.`);
}

/** A message between its JSON form, its bytes and its object, as ts-proto has it. */
interface Codec {
  fromJSON(json: unknown): unknown;
  toJSON(message: unknown): unknown;
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}

export function codecOf(typeName: string): Codec {
  const name = typeName.slice(typeName.lastIndexOf('.') + 1);
  const codec = (generated as unknown as Readonly<Record<string, Codec>>)[name];
  if (codec !== undefined) return codec;
  throw new LockstepError('internal', 'no-codec', `The message ${typeName} is not generated.`);
}
