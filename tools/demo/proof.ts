// SPDX-License-Identifier: GPL-2.0-only
import Table from 'cli-table3';

/** One switch, as the kernel tells it. */
export interface Switch {
  readonly module: string;
  readonly mode: string;
  readonly direction: string;
  readonly result: string;
  /** How long all CPUs stood still for it. */
  readonly windowNs: number;
}

/** What one machine itself says, read through its own shell and not through the agent. */
export interface MachineEvidence {
  readonly node: string;
  /** Contents of the patched files. */
  readonly files: Readonly<Record<'a' | 'b' | 'c' | 'd', string>>;
  /** Modules in /sys/kernel/livepatch that are enabled and not in transition, in load order, bottom first. */
  readonly livepatches: readonly string[];
  /** How the kernel switched each of its livepatches last, as its transition_stats say. */
  readonly switches: readonly Switch[];
  /** Position as the control plane has it from the agent. */
  readonly position: number;
}

export interface Expectation {
  readonly nodes: number;
  readonly position: number;
  /** Modules of the stack, bottom first, with the letters to show them by. */
  readonly stack: readonly { readonly module: string; readonly letter: string }[];
  /** For each function, which patch's version answers. */
  readonly answers: Readonly<Record<'a' | 'b' | 'c' | 'd', string>>;
}

const functions = ['a', 'b', 'c', 'd'] as const;

/** `a2` if the file ends with the line that patch 2 adds to it; `-` where no patch speaks. */
function answerOf(file: string): string {
  return [...file.matchAll(/^lockstep: ([a-d]\d)$/gm)].map((match) => match[1]).join('+') || '-';
}

function showStack(evidence: MachineEvidence, { stack }: Expectation): string {
  const letters = evidence.livepatches.map(
    (module) => stack.find((entry) => entry.module === module)?.letter ?? module,
  );
  return letters.join('<') || '(empty)';
}

const answersOf = (evidence: MachineEvidence): string[] => functions.map((fn) => answerOf(evidence.files[fn]));

export function evidenceTable(all: readonly MachineEvidence[], expected: Expectation): string {
  const head = ['node', 'position', 'stack', ...functions, 'CPUs stopped (µs)'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const evidence of all) {
    const windows = expected.stack.map(({ module, letter }) => {
      const seen = evidence.switches.find((each) => each.module === module);
      return `${letter} ${seen === undefined ? '-' : (seen.windowNs / 1000).toFixed(1)}`;
    });
    const answers = answersOf(evidence);
    table.push([evidence.node, evidence.position, showStack(evidence, expected), ...answers, windows.join(', ')]);
  }
  return table.toString();
}

/** What is to be said of how a livepatch came: `system, patching: switched`, and that there was a window. */
function showSwitch(evidence: MachineEvidence, module: string): string {
  const seen = evidence.switches.find((each) => each.module === module);
  if (seen === undefined) return 'not told';
  const { mode, direction, result, windowNs } = seen;
  return `${mode}, ${direction}: ${result}, ${windowNs > 0 ? 'with' : 'without'} a window`;
}

/** The demo's closing line, and what deviates from the expectation: nothing, if all is well. */
export function judge(all: readonly MachineEvidence[], expected: Expectation): { line: string; deviations: string[] } {
  const wantedStack = expected.stack.map((entry) => entry.letter).join('<');
  const wantedAnswers = functions.map((fn) => expected.answers[fn]).join(' ');
  const deviations = all.flatMap((evidence) => {
    const checks: [string, string, string][] = [
      ['position', String(evidence.position), String(expected.position)],
      ['stack', showStack(evidence, expected), wantedStack],
      ['answers', answersOf(evidence).join(' '), wantedAnswers],
      ...expected.stack.map(({ module, letter }): [string, string, string] => [
        `the switch to ${letter}`,
        showSwitch(evidence, module),
        'system, patching: switched, with a window',
      ]),
    ];
    return checks
      .filter(([, found, wanted]) => found !== wanted)
      .map(([what, found, wanted]) => `${evidence.node}: ${what} is ${found}, expected ${wanted}`);
  });
  if (all.length !== expected.nodes) deviations.push(`${all.length} nodes answered, expected ${expected.nodes}`);
  const wrong = (what: string): number => deviations.filter((line) => line.includes(`: ${what} is`)).length;
  const right = (what: string): string => `${all.length - wrong(what)}/${expected.nodes}`;
  const line =
    `demo: ${right('position')} nodes at position ${expected.position}, stack ${wantedStack} on ${right('stack')}, ` +
    `${wantedAnswers} on ${right('answers')}, unforced conflict refused`;
  return { line, deviations };
}
