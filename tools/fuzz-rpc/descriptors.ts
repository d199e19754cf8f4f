// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface FieldDescription {
  readonly number: number;
  readonly label?: string;
  /** `TYPE_STRING`, `TYPE_MESSAGE`, … */
  readonly type: string;
  /** Of messages and enums, with a dot before. */
  readonly typeName?: string;
}

export interface MessageDescription {
  readonly name: string;
  readonly field?: readonly FieldDescription[];
  readonly nestedType?: readonly MessageDescription[];
}

interface FileDescription {
  readonly package?: string;
  readonly messageType?: readonly MessageDescription[];
  readonly service?: readonly {
    readonly name: string;
    readonly method: readonly { readonly name: string; readonly inputType: string }[];
  }[];
}

export interface MethodDescription {
  /** `/lockstep.v1.FleetService/GetOrder` */
  readonly path: string;
  readonly input: string;
}

export interface Descriptions {
  readonly methods: readonly MethodDescription[];
  /** By full name, with a dot before. */
  readonly messages: ReadonlyMap<string, MessageDescription>;
}

function collect(into: Map<string, MessageDescription>, prefix: string, messages: readonly MessageDescription[]): void {
  for (const message of messages) {
    const name = `${prefix}.${message.name}`;
    into.set(name, message);
    collect(into, name, message.nestedType ?? []);
  }
}

/** What the proto files say, compiled by buf into `dir`. */
export function readDescriptions(root: string, dir: string): Descriptions {
  const file = path.join(dir, 'descriptors.json');
  execFileSync(path.join(root, 'node_modules/.bin/buf'), ['build', '-o', file, '--as-file-descriptor-set'], {
    cwd: root,
  });
  const { file: files } = JSON.parse(readFileSync(file, 'utf8')) as { file: readonly FileDescription[] };
  const messages = new Map<string, MessageDescription>();
  for (const each of files) collect(messages, `.${each.package ?? ''}`, each.messageType ?? []);
  const methods = files.flatMap(({ package: name = '', service = [] }) =>
    service.flatMap((each) =>
      each.method.map((method) => ({ path: `/${name}.${each.name}/${method.name}`, input: method.inputType })),
    ),
  );
  return { methods, messages };
}
