// SPDX-License-Identifier: GPL-2.0-only
import { fieldsInPath, operatorCalls, operatorPaths, type OperatorPath } from '@lockstep/contracts/wire';
import { lockstepVersion } from '@lockstep/platform/runtime';
import { calls, messages, type DescribedCall } from './descriptors';
import { componentSchemas, fieldSchema, messageSchema, schemaName, type Schema } from './message-schema';
import { problemSchema, problemType } from './problem';
import { csrfHeader, sessionCookie } from './session-cookie';
import { permissionSchema, sessionPaths, sessionSchema, signInWaysSchema } from './session-paths';

const isQueried = ({ method }: OperatorPath): boolean => method === 'get' || method === 'delete';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

function parametersOf({ name, inputType }: DescribedCall): Parameter[] {
  const place: OperatorPath = operatorPaths[name];
  const inPath = fieldsInPath(place);
  const described = messages.get(inputType);
  const fields = (described?.descriptor.field ?? []).flatMap((field, index): Parameter[] => {
    const isInPath = inPath.includes(field.jsonName);
    if (!isInPath && !isQueried(place)) return [];
    const description = described?.fieldComments[index] ?? '';
    return [
      {
        ...{ name: field.jsonName, in: isInPath ? 'path' : 'query', required: isInPath },
        ...(description === '' ? {} : { description }),
        schema: fieldSchema(field),
      },
    ];
  });
  if (operatorCalls[name].repeat !== 'keyed') return fields;
  const description = 'Names the call: sent again with the same key it is answered as the first time.';
  const schema = { type: 'string', pattern: '^[A-Za-z0-9-]{16,64}$' };
  return [...fields, { name: 'Idempotency-Key', in: 'header', required: false, description, schema }];
}

function answerOf({ name, outputType }: DescribedCall): Schema {
  const place: OperatorPath = operatorPaths[name];
  const schema = { $ref: `#/components/schemas/${schemaName(outputType)}` };
  if (place.events === undefined) return { description: 'Done.', content: { 'application/json': { schema } } };
  const description = `Server-sent events; the data of each is a ${schemaName(outputType)}. An error after the first is an event of type problem.`;
  return { description, content: { 'text/event-stream': { schema: { type: 'string' } } } };
}

function operationOf(call: DescribedCall): Schema {
  const place: OperatorPath = operatorPaths[call.name];
  const [summary = '', ...more] = call.comment.split('\n');
  return {
    operationId: call.name,
    tags: [call.service.replace('Service', '')],
    ...(summary === '' ? {} : { summary }),
    ...(more.length === 0 ? {} : { description: call.comment }),
    parameters: parametersOf(call),
    ...(isQueried(place)
      ? {}
      : {
          requestBody: {
            content: { 'application/json': { schema: messageSchema(call.inputType, fieldsInPath(place)) } },
          },
        }),
    responses: {
      200: answerOf(call),
      default: {
        description: 'It was not done.',
        content: { [problemType]: { schema: { $ref: '#/components/schemas/ProblemDocument' } } },
      },
    },
  };
}

/** The API's description, made of the same messages, comments and places that it works by. */
export function openApiDocument(): Schema {
  const paths: Record<string, Record<string, Schema>> = { ...sessionPaths };
  for (const call of calls) {
    const { method, path } = operatorPaths[call.name];
    (paths[path] ??= {})[method] = operationOf(call);
  }
  const types = calls.flatMap(({ inputType, outputType }) => [inputType, outputType]);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Lockstep',
      version: lockstepVersion,
      description:
        "Messages are in protobuf's JSON form: what has its default value (0, empty, false) is absent in answers and may be in requests.",
      license: { name: 'GPL-2.0-only', identifier: 'GPL-2.0-only' },
    },
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      schemas: {
        ...componentSchemas(types),
        ...{
          ProblemDocument: problemSchema,
          Session: sessionSchema,
          Permission: permissionSchema,
          SignInWays: signInWaysSchema,
        },
      },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: {
          ...{ type: 'apiKey', in: 'cookie', name: sessionCookie },
          description: `What changes something also needs the header ${csrfHeader}.`,
        },
      },
    },
  };
}
