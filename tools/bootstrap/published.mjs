// SPDX-License-Identifier: GPL-2.0-only
// Files that others may be reading, or making, at the same moment: two fleets of one checkout both bundle it as they start.
import { Buffer } from 'node:buffer';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

function isThere(place, bytes) {
  try {
    return readFileSync(place).equals(bytes);
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

const unfinishedName = /\.(\d+)\.unfinished$/;

/** Whether another process is about to give a file its name; what one left that has ended is rubbish. */
function isBeingWritten(name) {
  const pid = unfinishedName.exec(name)?.[1];
  if (pid === undefined) return false;
  try {
    return process.kill(Number(pid), 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Whoever reads it meanwhile has the one before or this one, whole. @param {Uint8Array} bytes */
export function publishFile(place, bytes) {
  if (isThere(place, Buffer.from(bytes))) return;
  mkdirSync(path.dirname(place), { recursive: true });
  const unfinished = `${place}.${process.pid}.unfinished`;
  writeFileSync(unfinished, bytes);
  renameSync(unfinished, place);
}

export const namesUnder = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();

/**
 * What `folder` holds becomes what `place` holds, `folder` is gone. At no moment is there an `entry` without the files that it
 * names: it comes last, and what it no longer names goes after it.
 */
export function publishFolder(folder, place, entry) {
  const names = namesUnder(folder);
  const publish = (name) => {
    publishFile(path.join(place, name), readFileSync(path.join(folder, name)));
  };
  for (const name of names) if (name !== entry) publish(name);
  publish(entry);
  for (const name of namesUnder(place)) {
    if (!names.includes(name) && !isBeingWritten(name)) rmSync(path.join(place, name), { force: true });
  }
  rmSync(folder, { recursive: true });
}
