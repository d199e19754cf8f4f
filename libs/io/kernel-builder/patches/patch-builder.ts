// SPDX-License-Identifier: GPL-2.0-only
// The door of this room: what leaves it as a refusal has passed blamingAuthor, whatever function refused.
import { blamingAuthor } from './blame-author';
import * as build from './build-livepatch';
import * as compile from './compile-patch';

/** Decides how a patch is built, before anything of it is. */
export const planPatch = blamingAuthor(compile.planPatch);
/** Compiles what a diff touches, original and patched. */
export const compilePatch = blamingAuthor(compile.compilePatch);
/** Compiles and compares it. */
export const comparePatch = blamingAuthor(build.comparePatch);
/** Makes one livepatch module of all that differs. */
export const linkLivepatch = blamingAuthor<build.LinkOptions, [], build.LinkedLivepatch>(build.linkLivepatch);
/** All of that, in this process. */
export const buildLivepatch = blamingAuthor(build.buildLivepatch);
