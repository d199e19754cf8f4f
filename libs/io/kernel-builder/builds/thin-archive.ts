// SPDX-License-Identifier: GPL-2.0-only

const magic = '!<thin>\n';
const headerBytes = 60;

/**
 * Names of a GNU thin archive's members, as kbuild makes `built-in.a` and `lib.a` (`ar cDPrST`): paths below the
 * archive's own directory, or undefined for a file that is not a thin archive.
 */
export function readThinArchive(bytes: Buffer): string[] | undefined {
  if (bytes.toString('latin1', 0, magic.length) !== magic) return undefined;
  const members: string[] = [];
  let longNames = '';
  for (let at = magic.length; at + headerBytes <= bytes.length;) {
    const name = bytes.toString('latin1', at, at + 16).trimEnd();
    const size = Number(bytes.toString('latin1', at + 48, at + 58).trim());
    at += headerBytes;
    if (name === '//' || name === '/' || name === '/SYM64/') {
      // Only the tables are stored in a thin archive; members stay in their own files.
      if (name === '//') longNames = bytes.toString('latin1', at, at + size);
      at += size + (size % 2);
    } else {
      members.push(memberName(name, longNames));
    }
  }
  return members;
}

/** `/123` points into the table of long names, whose entries end with `/` and a newline. */
function memberName(name: string, longNames: string): string {
  if (!name.startsWith('/')) return name.replace(/\/$/, '');
  // Not Number(): GNU ar leaves digits of an earlier field behind the offset ("/12            /0").
  const start = Number.parseInt(name.slice(1), 10);
  return longNames.slice(start, longNames.indexOf('/\n', start));
}
