// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError, type ModuleName } from '@lockstep/domain/livepatch-model';
import { hasGone, whyNotLoaded } from './load-refusal';
import type { LoadRequest } from './livepatch-kernel';
import type { CallAnswer, ModuleCalls } from './module-calls';
import { readModuleRules } from './module-rules';
import { holdersBeside } from './obstacles';
import { loadedModules, observePatches, type KernelRoots, type LoadedModule } from './sysfs-view';

/** The kernel drops its last reference to a disabled livepatch from a work queue, a moment after the transition. */
const removeTimeoutMs = 10_000;
const pollMs = 20;

/** The kernel has not come to an end with a module: nothing failed, and nothing can be taken back. */
export function loadUnderWay(module: ModuleName, says: string): LockstepError {
  const message = `${says}: nothing failed, and nothing can be taken back yet. Look again later (lockstep host ls).`;
  return new LockstepError('unavailable', 'load-under-way', message, { module });
}

/** Takes modules to the kernel and out of it; what an answer means it asks the kernel. */
export class ModuleLoader {
  constructor(
    private readonly roots: KernelRoots,
    private readonly calls: ModuleCalls,
  ) {}

  /**
   * @param limitMs after that the kernel is asked: what it has begun it ends, whoever waits for it
   * @throws LockstepError: why the kernel did not take it; `load-under-way` while it is still at it
   */
  async insert(request: LoadRequest, parameters: readonly string[], limitMs: number, release: string): Promise<void> {
    const { module, path } = request;
    const call = this.calls.insert(path, parameters).catch((error: unknown) => error);
    const clock = new AbortController();
    const late = sleep(limitMs, undefined, { signal: clock.signal, ref: false }).catch(() => undefined);
    const answer = await Promise.race([call, late]);
    clock.abort();
    if (answer === undefined || answer instanceof Error) {
      // Nobody told, or who was to tell is gone: the kernel may have taken it all the same.
      if (await this.isInEffect(module)) return;
      throw answer ?? (await this.stillLoading(module, limitMs));
    }
    const { errno } = answer as CallAnswer;
    if (errno !== 0) throw await this.explain(request, answer as CallAnswer, release);
  }

  /** A module that is loaded but not in effect is left over from an interrupted unload, or was replaced. */
  async clearName(module: ModuleName): Promise<void> {
    const leftover = await this.find(module);
    if (leftover === undefined) return;
    if (!leftover.livepatch || (await this.isInEffect(module))) {
      throw new LockstepError('refused', 'module-exists', `A module named ${module} is loaded already.`, { module });
    }
    if (leftover.loading) throw loadUnderWay(module, `The kernel is still loading ${module}`);
    if (leftover.permanent) {
      const message = `Module ${module} was disabled and stays loaded, for its code may still be called: it can be loaded again after the next boot.`;
      throw new LockstepError('refused', 'module-kept', message, { module });
    }
    await this.removeWhenUnused(module);
  }

  async removeWhenUnused(module: ModuleName): Promise<void> {
    const deadline = performance.now() + removeTimeoutMs;
    for (;;) {
      const loaded = await this.find(module);
      // Disabled is all that it can be: who wrote it left its exit out, for its code may still be called.
      if (loaded === undefined || loaded.permanent) return;
      if (hasGone(module, await this.calls.remove(module), await readModuleRules(this.roots))) return;
      if (performance.now() >= deadline) {
        const message = `Module ${module} stays in use and cannot be removed.`;
        throw new LockstepError('unavailable', 'module-in-use', message, { module });
      }
      await sleep(pollMs);
    }
  }

  private async find(module: ModuleName): Promise<LoadedModule | undefined> {
    return (await loadedModules(this.roots)).find(({ name }) => name === module);
  }

  private async stillLoading(module: ModuleName, limitMs: number): Promise<LockstepError> {
    const does = (await this.find(module)) !== undefined ? 'is still at it' : 'has not begun';
    return loadUnderWay(module, `Loading ${module} takes longer than ${limitMs} ms, and the kernel ${does}`);
  }

  private async explain(
    { module, functions }: LoadRequest,
    answer: CallAnswer,
    release: string,
  ): Promise<LockstepError> {
    const patches = await observePatches(this.roots);
    const rules = await readModuleRules(this.roots);
    const holders = await holdersBeside(this.roots, release, patches);
    const switching = patches.find(({ transition }) => transition)?.module;
    return whyNotLoaded(module, functions, answer, { rules, holders, switching });
  }

  private async isInEffect(module: ModuleName): Promise<boolean> {
    return (await observePatches(this.roots)).some((patch) => patch.module === module);
  }
}
