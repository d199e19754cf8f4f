// SPDX-License-Identifier: GPL-2.0-only

/** What a command answers: one JSON document, or the same for people. */
export interface Answer {
  readonly document: unknown;
  readonly text: string;
  /** The same with more columns; undefined: there are no more. */
  readonly wide?: () => string;
  /** Of what it lists or shows, as commands take them. */
  readonly names?: readonly string[];
  /** It was answered, but what was asked for did not come to be (a build that failed): exit 1. */
  readonly hasFailed?: boolean;
  /** What was waited for has halted, and goes on only by somebody's word: exit 5. */
  readonly hasHalted?: boolean;
}
