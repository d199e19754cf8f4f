// SPDX-License-Identifier: GPL-2.0-only
import { execFile } from 'node:child_process';
import path from 'node:path';
import { z } from 'zod';
import type { Narrator } from './narrator';

/** Something was not as the story has it. */
export class StoryFault extends Error {}

export interface Typed {
  readonly code: number;
  readonly output: string;
}

export interface TypeOptions {
  /** Its exit code; 0 unless it is said. */
  readonly code?: number;
  /** What must stand in what it prints. */
  readonly says?: RegExp;
  /** So many lines of it are shown. */
  readonly most?: number;
}

/** `lockstep --help` lists it: the server did not answer in time. */
const unreachable = 3;
const mostAgain = 4;
const longestOutputBytes = 64 * 1024 * 1024;

/** Who types commands, each with an access token of their own. The admin's is the one that the control plane made. */
export class People {
  private readonly tokenFiles = new Map<string, string>();

  constructor(
    private readonly setting: {
      readonly root: string;
      readonly stateDir: string;
      readonly workDir: string;
      readonly narrator: Narrator;
      readonly signal: AbortSignal;
    },
  ) {}

  /** Another person, by the admin. */
  async invite(name: string, roles: readonly string[], cluster: string): Promise<void> {
    const file = path.join(this.setting.workDir, `${name}.token`);
    const rights = [...roles.flatMap((role) => ['--role', role]), '--owner', name, '--cluster', cluster];
    await this.type('admin', ['token', 'create', name, ...rights, '--out', file], { most: 1 });
    this.tokenFiles.set(name, file);
  }

  /** Types a command as a person does, shows it with what it answers, and insists on what is expected of it. */
  async type(person: string, args: readonly string[], { code = 0, says, most }: TypeOptions = {}): Promise<string> {
    const typed = await this.run(person, args);
    this.setting.narrator.command(person, `lockstep ${this.readable(args)}`, typed.output, most);
    if (typed.code !== code) {
      throw new StoryFault(`lockstep ${args.join(' ')} ended with ${typed.code}, not with ${code}:\n${typed.output}`);
    }
    if (says !== undefined && !says.test(typed.output)) {
      throw new StoryFault(`lockstep ${args.join(' ')} did not say ${String(says)}:\n${typed.output}`);
    }
    return typed.output;
  }

  /** The same facts as a document, not shown. A machine that is busy may take its time to answer: then it is asked again. */
  async ask<T>(args: readonly string[], form: z.ZodType<T>): Promise<T> {
    let { output, code } = await this.run('admin', [...args, '--json'], true);
    for (let again = 0; code === unreachable && again < mostAgain; again += 1) {
      ({ output, code } = await this.run('admin', [...args, '--json'], true));
    }
    if (code !== 0) throw new StoryFault(`lockstep ${args.join(' ')} ended with ${code}:\n${output}`);
    return form.parse(JSON.parse(output));
  }

  private readable(args: readonly string[]): string {
    const { root, workDir } = this.setting;
    return args
      .map((arg) => arg.replace(`${workDir}/`, '').replace(`${root}/`, ''))
      .map((arg) => (/^[\w./:=,#%@-]+$/.test(arg) ? arg : `'${arg}'`))
      .join(' ');
  }

  private run(person: string, args: readonly string[], isQuiet = false): Promise<Typed> {
    const { root, stateDir, signal } = this.setting;
    signal.throwIfAborted();
    const tokenFile = this.tokenFiles.get(person);
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '/',
      LOCKSTEP_STATE_DIR: stateDir,
      ...(tokenFile === undefined ? {} : { LOCKSTEP_TOKEN_FILE: tokenFile }),
    };
    const bundle = path.join(root, 'dist/lockstep.js');
    return new Promise((resolve, reject) => {
      const options = { env, signal, maxBuffer: longestOutputBytes };
      execFile(process.execPath, [bundle, ...args], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        if (signal.aborted) reject(signal.reason as Error);
        else if (typeof code === 'number') resolve({ code, output: isQuiet ? stdout : `${stderr}${stdout}` });
        else reject(error ?? new Error('no exit code'));
      });
    });
  }
}
