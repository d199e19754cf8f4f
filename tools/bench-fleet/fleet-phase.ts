// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import type { BenchControlPlane } from './bench-control-plane';
import type { BenchDatabase } from './bench-database';
import type { LoopAnswer } from './event-loop-probe';
import type { PageFigures, PageWatch } from './page-watch';
import { hottestFunctions, type CpuProfile } from './profile-summary';

/** CPU of the control plane and of PostgreSQL, in seconds. */
export interface CpuSeconds {
  readonly plane: number;
  readonly postgres: number;
}

/** What happened while something was done. */
export interface PhaseFigures extends LoopAnswer {
  readonly seconds: number;
  readonly cpu: CpuSeconds;
  readonly statements: number;
  /** Of the control plane, when it was over. */
  readonly rssBytes: number;
  /** What waited for the machine's CPUs, in the minute before. */
  readonly load: number;
  /** Of lists, asked for meanwhile; undefined where nobody asked. */
  readonly pages?: PageFigures | undefined;
}

export interface Measured {
  readonly plane: BenchControlPlane;
  readonly database: BenchDatabase;
}

const inMegabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

const sentence = (name: string, { seconds, cpu, statements, ...rest }: PhaseFigures): string =>
  `${name}: ${seconds.toFixed(1)} s, CPU ${cpu.plane.toFixed(1)} + ${cpu.postgres.toFixed(1)} s, ${statements} statements, ` +
  `stops of ${rest.longestStopMs.toFixed(0)} ms (${rest.longestTurnCpuMs.toFixed(0)} ms of CPU at ` +
  `${(rest.longestTurnAtMs / 1000).toFixed(1)} s of its life, ${rest.longestTurnRounds} rounds of the loop, ${rest.longestTurnEvents} events; the collector's ${rest.longestGcMs.toFixed(0)} ms), ` +
  `${inMegabytes(rest.rssBytes)} (heap ${inMegabytes(rest.heapUsedBytes)} of ${inMegabytes(rest.heapTotalBytes)}, ` +
  `buffers ${inMegabytes(rest.externalBytes)}), load ${rest.load.toFixed(1)}`;

const pagesSentence = ({ pages, p50Ms, p99Ms, longestMs }: PageFigures): string =>
  `  ${pages} pages of lists meanwhile: ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms, longest ${longestMs.toFixed(0)} ms`;

export interface PhaseKind {
  readonly beginsItself?: boolean;
  /** Nobody asks for pages: what costs nothing is to be measured. */
  readonly isQuiet?: boolean;
}

/** Does things in phases and tells what each cost. */
export class PhaseMeter {
  constructor(
    private readonly measured: Measured,
    private readonly say: (line: string) => void,
    /** Gets a CPU profile of each phase. */
    private readonly profileDir?: string,
    /** Asks for pages in each phase. */
    private readonly pageWatch?: PageWatch,
  ) {}

  cpu(): CpuSeconds {
    const { plane, database } = this.measured;
    return { plane: plane.cpuSeconds(), postgres: database.cpuSeconds() };
  }

  /** @param work where it kills the control plane, it says itself from when on there is one to be profiled */
  async during(
    name: string,
    work: (begin: () => Promise<void>) => Promise<unknown>,
    { beginsItself = false, isQuiet = false }: PhaseKind = {},
  ): Promise<PhaseFigures> {
    const { plane, database } = this.measured;
    const statementsBefore = await database.statements();
    const before = this.cpu();
    await plane.stopsSince();
    const startedAt = performance.now();
    const profile = this.profileDir === undefined ? undefined : this.profileIn(this.profileDir, name);
    const pageWatch = isQuiet ? undefined : this.pageWatch;
    const begin = async (): Promise<void> => {
      pageWatch?.begin();
      if (profile !== undefined) await plane.beginProfile();
    };
    if (!beginsItself) await begin();
    await work(begin);
    const pages = await pageWatch?.end();
    if (profile !== undefined) await plane.keepProfile(profile);
    const seconds = (performance.now() - startedAt) / 1000;
    const after = this.cpu();
    const figures: PhaseFigures = {
      seconds,
      cpu: { plane: after.plane - before.plane, postgres: after.postgres - before.postgres },
      statements: (await database.statements()) - statementsBefore,
      ...(await plane.stopsSince()),
      rssBytes: plane.residentBytes(),
      load: loadavg()[0] ?? 0,
      pages,
    };
    this.say(sentence(name, figures));
    if (pages !== undefined) this.say(pagesSentence(pages));
    if (profile !== undefined) this.tellHottest(profile);
    return figures;
  }

  private tellHottest(file: string): void {
    const profile = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
    for (const { name, place, selfMs } of hottestFunctions(profile, 10)) {
      this.say(`  ${selfMs.toFixed(0)} ms ${name} (${place})`);
    }
  }

  private profileIn(dir: string, name: string): string {
    mkdirSync(dir, { recursive: true });
    return path.join(dir, `${name.replaceAll(/[^a-z0-9]+/g, '-')}.cpuprofile`);
  }
}
