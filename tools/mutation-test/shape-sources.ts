// SPDX-License-Identifier: GPL-2.0-only
import type { SeededRandom } from '@lockstep/testing/seeded-random';

export const shapeKinds = [
  'array',
  'type-at-end',
  'type-in-middle',
  'type-inside',
  'type-on-stack',
  'type-new',
] as const;
export type ShapeKind = (typeof shapeKinds)[number];

/** A C file; with PATCHED defined it is the patched one. `probes` are functions `long name(long)` to be called. */
export interface Shape {
  readonly kind: ShapeKind;
  readonly source: string;
  readonly probes: readonly string[];
}

/** What a heap's memory holds, byte for byte, before anybody writes there. */
export const garbage = 0x5a;

const head = `
#ifndef noinline
#define noinline __attribute__((noinline))
#endif
#define SHARED __attribute__((section(".data..read_mostly")))
extern long other(long value);
extern void *allocate(unsigned long size);
`;

const between = (random: SeededRandom, least: number, most: number): number =>
  least + random.pick(Array.from({ length: most - least + 1 }, (_, index) => index));

/** One shape of a kind. The same random numbers make the same one. */
export function makeShape(kind: ShapeKind, random: SeededRandom): Shape {
  return kind === 'array' ? arrays(random) : types(kind, random);
}

/** Arrays and single variables of one section, some of them new, and loops by pointer, by index and from one before. */
function arrays(random: SeededRandom): Shape {
  const elements = ['long', 'int', 'short', 'char', 'struct pair'] as const;
  const made = Array.from({ length: between(random, 2, 4) }, (_, index) => {
    return { name: `array${index}`, element: random.pick(elements), count: between(random, 2, 9) };
  });
  const declared = made.map(({ name, element, count }) => {
    const value = (at: number): string => (element === 'struct pair' ? `{ ${at + 3}, ${at + 5} }` : String(at + 3));
    return `static ${element} ${name}[${count}] SHARED = { ${Array.from({ length: count }, (_, at) => value(at)).join(', ')} };`;
  });
  const added = Array.from({ length: between(random, 1, 3) }, (_, index) => {
    const element = random.pick(['long', 'int', 'short', 'char'] as const);
    const size = random.pick(['', '[3]']);
    return {
      name: `added${index}`,
      text: `static ${element} added${index}${size} SHARED = ${size === '' ? '9' : '{ 9 }'};`,
      use: size === '' ? '' : '[0]',
    };
  });
  const lines: string[] = [...declared];
  for (const { text } of added) {
    lines.splice(between(random, 0, lines.length), 0, `#ifdef PATCHED\n${text}\n#endif`);
  }
  const loops = made.map(({ name, element, count }) => loopOver(random, name, element, count));
  const uses = added.map(({ name, use }) => `sum += ${name}${use}++;`).join(' ');
  const source = `${head}
struct pair { long one, two; };
${lines.join('\n')}
long setup(long value) { array0[0]${made[0]?.element === 'struct pair' ? '.one' : ''} = value; return 0; }
${made.map((_, index) => `long untouched${index}(long value) { long sum = value; ${loops[index]} return other(sum); }`).join('\n')}
long work(long value)
{
	long sum = value;
#ifdef PATCHED
	${random.pick(loops)}
	${uses}
	${random.pick(loops)}
#endif
	return other(sum);
}
`;
  return { kind: 'array', source, probes: ['work', ...made.map((_, index) => `untouched${index}`), 'work'] };
}

function loopOver(random: SeededRandom, name: string, element: string, count: number): string {
  const value = element === 'struct pair' ? '.two' : '';
  const through = element === 'struct pair' ? 'at->two' : '*at';
  return random.pick([
    `for (${element} *at = ${name}; at != ${name} + ${count}; at++) sum = other(sum + ${through});`,
    `for (${element} *at = ${name} + ${count - 1}; at >= ${name}; at--) sum = other(sum + ${through});`,
    `for (long at = 1; at <= (value & 1) + 1; at++) sum = other(sum + ${name}[at - 1]${value});`,
    `{ ${element} *at = ${name}, *end = &${name}[${count}]; while (at < end) { sum = other(sum + ${through}); at++; } }`,
    `for (long at = 0; at < ${count}; at++) { sum = other(sum + ${name}[at]${value}); ${name}[at]${value} += 1; }`,
  ]);
}

/** A struct that differs, and what has one. */
function types(kind: Exclude<ShapeKind, 'array'>, random: SeededRandom): Shape {
  const member = (index: number): string =>
    `${random.pick(['long', 'int', 'short', 'char', 'unsigned long'])} m${index};`;
  const members = Array.from({ length: between(random, 2, 6) }, (_, index) => member(index));
  const added = `#ifdef PATCHED\n${random.pick(['long', 'int', 'short', 'char'])} added;\n#endif`;
  const last = `m${members.length - 1}`;
  if (kind === 'type-at-end') members.push(added);
  else if (kind !== 'type-new') members.splice(between(random, 0, members.length - 1), 0, added);
  const isInside = kind === 'type-inside';
  const outer = isInside ? `struct outer { int before; struct held inner; long behind; };` : '#define outer held';
  const inner = isInside ? 'inner.' : '';
  const lives = random.pick(['heap', 'global'] as const);
  const object =
    lives === 'heap' ? 'static struct outer *object;' : 'struct outer object_of_file; static struct outer *object;';
  const make = lives === 'heap' ? 'allocate(sizeof(struct outer))' : '&object_of_file';
  // What is only written before it is read, and what is set where objects are made, as most new members are.
  const isSetBefore = random.pick([true, false]);
  const grown = isSetBefore
    ? `sum += object->${inner}added++;`
    : `object->${inner}added = 77; sum += object->${inner}added;`;
  const fresh = isSetBefore ? `\n#ifdef PATCHED\nobject->${inner}added = 3;\n#endif\n` : '';
  const held = `static struct outer *object;`;
  const bodies: Record<
    Exclude<ShapeKind, 'array'>,
    { before: string; setup: string; body: string; patched: string }
  > = {
    'type-at-end': {
      before: object,
      setup: `object = ${make}; object->${last} = value;${fresh}`,
      body: `sum += object->${last}++;`,
      patched: grown,
    },
    'type-in-middle': {
      before: object,
      setup: `object = ${make}; object->${last} = value;${fresh}`,
      body: `sum += object->${last}++;`,
      patched: grown,
    },
    'type-inside': {
      before: object,
      setup: `object = ${make}; object->behind = value;${fresh}`,
      body: `sum += object->behind++;`,
      patched: grown,
    },
    'type-on-stack': {
      before: `static noinline long helper(struct held *held) { long sum = other(held->${last});
#ifdef PATCHED
	sum += held->added++;
#endif
	return sum; }`,
      setup: '',
      body: `struct held held = { .${last} = value }; sum += helper(&held);`,
      patched: 'held.added = 5; sum += helper(&held) + held.added;',
    },
    'type-new': {
      before: `${held}\n#ifdef PATCHED\nstruct fresh { struct held held; long added; };\n#endif`,
      setup: `object = allocate(sizeof(struct held)); object->${last} = value;`,
      body: `sum += object->${last}++;`,
      patched: 'struct fresh fresh = { .added = value }; sum += other(fresh.added);',
    },
  };
  const { before, setup, body, patched } = bodies[kind];
  const source = `${head}
struct held {
${members.join('\n')}
};
${outer}
${before}
long setup(long value) { ${setup} return value; }
long untouched(long value) { return other(value) + 1; }
long work(long value)
{
	long sum = value;
	${body}
#ifdef PATCHED
	${patched}
#endif
	return other(sum);
}
`;
  return { kind, source, probes: ['work', 'untouched', 'work'] };
}
