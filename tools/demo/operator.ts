// SPDX-License-Identifier: GPL-2.0-only
import { execFile } from 'node:child_process';
import path from 'node:path';
import { z } from 'zod';

const errorDocument = z.object({ error: z.object({ reason: z.string(), message: z.string() }) });

const manifest = z.object({
  sha256: z.string(),
  moduleName: z.string(),
  functions: z.array(z.object({ object: z.string(), name: z.string() })),
});
/** How the originals that a module was made from compare with the vendor's; none of a kernel that was built here. */
const proofs = z.array(z.object({ object: z.string(), functions: z.number(), equal: z.number() }));
const submission = z.object({
  builds: z.array(z.object({ id: z.string(), status: z.string(), artifact: manifest.nullable(), proofs })),
});
const nodeList = z.object({
  nodes: z.array(
    z.object({
      name: z.string(),
      connected: z.boolean(),
      patchedCore: z.boolean(),
      report: z
        .object({
          status: z.string(),
          position: z.number(),
          /** Of the boot that it was told in: a report outlives the machine that gave it. */
          bootId: z.string(),
          problem: z.object({ message: z.string() }).nullable(),
        })
        .nullable(),
    }),
  ),
});
const rollout = z.object({ id: z.string(), status: z.string() });
const appended = z.object({ entry: z.object({ seq: z.number() }) });

export type NodeState = z.infer<typeof nodeList>['nodes'][number];
export type Manifest = z.infer<typeof manifest> & { readonly proofs: z.infer<typeof proofs> };

/** `livepatch_a.ko changes meminfo_proc_show` */
export const describeManifest = ({ moduleName, functions, proofs: proved }: Manifest): string =>
  [
    `${moduleName}.ko changes ${functions.map((fn) => fn.name).join(', ')}`,
    ...proved.map(({ object, functions: all, equal }) => `of ${object} ${equal} of ${all} functions are the vendor's`),
  ].join(', ');

/** A command that was refused, with the server's reason. */
export class Refused extends Error {
  constructor(
    readonly command: string,
    readonly reason: string,
    message: string,
  ) {
    super(`lockstep ${command}: ${message}`);
  }
}

/** The demo's operator: does all through the `lockstep` command, as a person or a script would. */
export class Operator {
  constructor(
    private readonly root: string,
    readonly stateDir: string,
    private readonly signal: AbortSignal,
  ) {}

  async createCluster(cluster: string): Promise<void> {
    await this.run(['cluster', 'create', cluster], z.unknown());
  }

  async joinToken(cluster: string, node: string): Promise<string> {
    const answer = await this.run(['node', 'join', node, '--cluster', cluster], z.object({ joinToken: z.string() }));
    return answer.joinToken;
  }

  async addKernel(treeDir: string): Promise<string> {
    return (await this.run(['kernel', 'add', treeDir], z.object({ id: z.string() }))).id;
  }

  /** A kernel that Debian built; its packages come through apt, unless they are unpacked in a folder. */
  async addDebianKernel(release: string, packages: string | undefined): Promise<string> {
    const from = packages === undefined ? [] : ['--from', packages];
    const args = ['kernel', 'add', '--distribution', 'debian', release, ...from];
    return (await this.run(args, z.object({ id: z.string() }))).id;
  }

  /** Submits a diff and waits for its one build. */
  async submitPatch(file: string, name: string): Promise<Manifest> {
    const { builds } = await this.run(['patch', 'submit', file, '--name', name, '--wait'], submission);
    const [build] = builds;
    if (builds.length !== 1 || build?.artifact == null) throw new Error(`patch ${name} has no built module`);
    return { ...build.artifact, proofs: build.proofs };
  }

  /** @param consistency `system`: switched for the whole system at one instant, by the patched core. @throws Refused */
  async append(
    cluster: string,
    patch: string,
    overrides: readonly string[] = [],
    consistency: 'system' | 'per_task' = 'system',
  ): Promise<number> {
    const flags = ['--consistency', consistency, ...overrides.flatMap((victim) => ['--override', victim])];
    const { entry } = await this.run(['order', 'append', patch, '--cluster', cluster, ...flags], appended);
    return entry.seq;
  }

  async startRollout(cluster: string): Promise<string> {
    return (await this.run(['rollout', 'start', '--cluster', cluster, '--canaries', '1'], rollout)).id;
  }

  /** Follows a rollout to its end. */
  async watchRollout(id: string): Promise<string> {
    return (await this.run(['rollout', 'watch', id], rollout)).status;
  }

  /** An admin's token for a day. */
  async accessToken(name: string): Promise<string> {
    const rights = ['--role', 'admin', '--everywhere', '--owner', name, '--expires', '24h'];
    const args = ['token', 'create', name, ...rights];
    return (await this.run(args, z.object({ secret: z.string() }), { isQuiet: true })).secret;
  }

  async nodes(cluster: string): Promise<NodeState[]> {
    return (await this.run(['node', 'ls', '--cluster', cluster], nodeList, { isQuiet: true })).nodes;
  }

  private async run<T>(args: string[], schema: z.ZodType<T>, { isQuiet = false } = {}): Promise<T> {
    if (!isQuiet) console.log(`      $ lockstep ${args.map((arg) => arg.replace(`${this.root}/`, '')).join(' ')}`);
    const bundle = path.join(this.root, 'dist/lockstep.js');
    const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
      const options = { env: { ...process.env, LOCKSTEP_STATE_DIR: this.stateDir }, signal: this.signal };
      execFile(process.execPath, [bundle, ...args, '--json'], options, (_error, out, err) => {
        resolve({ stdout: out, stderr: err });
      });
    });
    this.signal.throwIfAborted();
    const document: unknown = stdout === '' ? undefined : JSON.parse(stdout);
    const refused = errorDocument.safeParse(document);
    if (refused.success) throw new Refused(args.join(' '), refused.data.error.reason, refused.data.error.message);
    const answer = schema.safeParse(document);
    if (answer.success) return answer.data;
    throw new Error(`lockstep ${args.join(' ')} answered what was not expected:\n${stderr}${stdout}`);
  }
}
