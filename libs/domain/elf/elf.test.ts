// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import {
  parseElf,
  readBuildId,
  readNotes,
  relocationType,
  sectionFlag,
  sectionType,
  symbolBinding,
  symbolType,
  writeNote,
  writeRelocatable,
  type ElfFile,
  type Relocatable,
} from './index';

const bytesOf = (...values: number[]) => Uint8Array.from(values);
const section = (name: string, bytes: Uint8Array, type: number = sectionType.progbits) => ({
  name,
  type,
  flags: sectionFlag.alloc,
  alignment: 4,
  entryBytes: 0,
  bytes,
  sizeBytes: bytes.length,
});
const buildId = writeNote({ owner: 'GNU', type: 3, description: bytesOf(0xab, 0x01, 0xff, 0x10, 0, 0, 0, 1) });

const sample: Relocatable = {
  sections: [
    section('.text', new Uint8Array(32)),
    section('.note.gnu.build-id', buildId, sectionType.note),
    { ...section('.bss', new Uint8Array(0), sectionType.nobits), sizeBytes: 4096 },
  ],
  symbols: [
    { name: 'work', binding: symbolBinding.global, type: symbolType.function, place: 0, value: 16, sizeBytes: 16 },
    {
      name: 'printk',
      binding: symbolBinding.global,
      type: symbolType.none,
      place: 'undefined',
      value: 0,
      sizeBytes: 0,
    },
    { name: 'state', binding: symbolBinding.local, type: symbolType.object, place: 2, value: 8, sizeBytes: 4 },
    { name: '.klp.sym.vmlinux.x,0', binding: 1, type: symbolType.none, place: 'livepatch', value: 0, sizeBytes: 0 },
  ],
  relocations: [
    {
      name: '.rela.text',
      flags: 0,
      target: 0,
      entries: [
        { offset: 20, type: relocationType.pc32, symbol: 1, addend: -4 },
        { offset: 8, type: relocationType.absolute64, symbol: 2, addend: 0x1234_5678_9a },
      ],
    },
    {
      name: '.klp.rela.vmlinux..text',
      flags: sectionFlag.relaLivepatch | sectionFlag.alloc,
      target: 0,
      entries: [{ offset: 0, type: relocationType.pc32, symbol: 3, addend: 0 }],
    },
  ],
};

/** Everything a reader of the file can ask for; throws what parsing or reading throws. */
function readAll(elf: ElfFile): number {
  let checksum = 0;
  for (const entry of elf.sections) {
    checksum += elf.bytesOf(entry).length;
    const table = elf.relocationsOf(entry);
    for (let rank = 0; table !== null && rank < table.count; rank++) {
      checksum +=
        table.offset(rank) + table.symbol(rank) + table.type(rank) + elf.symbols.name(table.symbol(rank)).length;
    }
  }
  for (let symbol = 0; symbol < elf.symbols.count; symbol++) {
    checksum += elf.symbols.name(symbol).length + elf.symbols.type(symbol) + elf.symbols.section(symbol);
  }
  readNotes(elf);
  return checksum;
}

function problemOf(bytes: Uint8Array): string {
  try {
    readAll(parseElf(bytes, 'file.o'));
  } catch (error) {
    if (error instanceof LockstepError && error.kind === 'invalid-input') return String(error.fields['what']);
    throw error;
  }
  return '';
}

describe('what was written is read again', () => {
  const elf = parseElf(writeRelocatable(sample), 'sample.o');
  const text = elf.sections[1];

  test('sections', () => {
    expect(elf.kind).toBe('relocatable');
    expect(elf.sections.map(({ name }) => name)).toEqual([
      '',
      '.text',
      '.note.gnu.build-id',
      '.bss',
      '.rela.text',
      '.klp.rela.vmlinux..text',
      '.symtab',
      '.strtab',
      '.shstrtab',
    ]);
    expect(elf.sections[3]).toMatchObject({ sizeBytes: 4096, type: sectionType.nobits });
  });

  test('symbols, local ones first', () => {
    const names = Array.from({ length: elf.symbols.count }, (_, symbol) => elf.symbols.name(symbol));
    expect(names).toEqual(['', 'state', 'work', 'printk', '.klp.sym.vmlinux.x,0']);
    const work = elf.symbols.named('work')[0] ?? 0;
    expect([elf.symbols.value(work), elf.symbols.sizeBytes(work), elf.symbols.section(work)]).toEqual([16, 16, 1]);
    expect(elf.symbols.isDefined(names.indexOf('printk'))).toBe(false);
    expect(elf.symbols.section(names.indexOf('.klp.sym.vmlinux.x,0'))).toBe(0xff20);
    expect(elf.sections.find(({ name }) => name === '.symtab')?.info).toBe(2);
  });

  test('ordinary relocations, in offset order and by place; livepatch ones apart', () => {
    const table = text === undefined ? null : elf.relocationsOf(text);
    expect(table?.count).toBe(2);
    expect([table?.offset(0), table?.offset(1)]).toEqual([8, 20]);
    expect([table?.addend(0), table?.addend(1)]).toEqual([0x1234_5678_9a, -4]);
    expect([0, 8, 9, 20, 21].map((offset) => table?.firstFrom(offset))).toEqual([0, 0, 1, 1, 2]);
  });

  test('a file that begins anywhere in a Node buffer; what is cut out of it is a copy', () => {
    const file = writeRelocatable(sample);
    for (const shift of [0, 1, 2, 3]) {
      const buffer = Buffer.alloc(file.length + shift);
      buffer.set(file, shift);
      const shifted = parseElf(buffer.subarray(shift), 'shifted.o');
      expect(readAll(shifted)).toBe(readAll(elf));
      shifted.bytesOf(shifted.sections[2]!).slice().fill(0xee);
      expect(buffer.subarray(shift)).toEqual(Buffer.from(file));
    }
  });

  test('notes and the build-id', () => {
    expect(readBuildId(elf)).toBe('ab01ff1000000001');
  });

  test('the same input gives the same bytes', () => {
    expect(writeRelocatable(sample)).toEqual(writeRelocatable(sample));
  });

  test('any symbols and relocations (property)', () => {
    const symbolsOf = fc.array(
      fc.record({ name: fc.string({ minLength: 1 }).filter((s) => !s.includes('\0')), local: fc.boolean() }),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(symbolsOf, fc.array(fc.nat(1000)), (symbols, picks) => {
        const entries = picks.map((pick, index) => ({
          offset: index * 8,
          type: relocationType.absolute64,
          symbol: pick % symbols.length,
          addend: pick - 500,
        }));
        const file = parseElf(
          writeRelocatable({
            sections: [section('.data', new Uint8Array(picks.length * 8 + 8))],
            symbols: symbols.map(({ name, local }) => ({
              name,
              binding: local ? 0 : 1,
              type: 1,
              place: 0,
              value: 0,
              sizeBytes: 8,
            })),
            relocations: [{ name: '.rela.data', flags: 0, target: 0, entries }],
          }),
          'p.o',
        );
        const data = file.sections[1];
        const table = data === undefined ? null : file.relocationsOf(data);
        const read = Array.from({ length: table?.count ?? 0 }, (_, rank) => [
          file.symbols.name(table?.symbol(rank) ?? 0),
          table?.addend(rank),
        ]);
        expect(read).toEqual(entries.map(({ symbol, addend }) => [symbols[symbol]?.name, addend]));
      }),
    );
  });
});

describe('a file that is not what it claims', () => {
  const good = writeRelocatable(sample);

  test('every truncation is an error that names a field', () => {
    for (let length = 0; length < good.length; length++) expect(problemOf(good.subarray(0, length))).not.toBe('');
  });

  test.each<[string, (view: DataView) => void, RegExp]>([
    [
      'no ELF',
      (view) => {
        view.setUint8(0, 0x7e);
      },
      /magic/,
    ],
    [
      '32 bits',
      (view) => {
        view.setUint8(4, 1);
      },
      /EI_CLASS/,
    ],
    [
      'big-endian',
      (view) => {
        view.setUint8(5, 2);
      },
      /EI_DATA/,
    ],
    [
      'another machine',
      (view) => {
        view.setUint16(18, 183, true);
      },
      /e_machine/,
    ],
    [
      'a core dump',
      (view) => {
        view.setUint16(16, 4, true);
      },
      /e_type/,
    ],
    [
      'a section table beyond the end',
      (view) => {
        view.setUint32(40, good.length, true);
      },
      /section header table/,
    ],
    [
      '2^32 sections',
      (view) => {
        view.setUint16(60, 0, true);
        view.setUint32(Number(view.getBigUint64(40, true)) + 32, 0xffff_ffff, true);
      },
      /section header table/,
    ],
    [
      'no section names',
      (view) => {
        view.setUint16(62, 999, true);
      },
      /e_shstrndx/,
    ],
  ])('%s', (_, spoil, what) => {
    const bad = good.slice();
    spoil(new DataView(bad.buffer));
    expect(problemOf(bad)).toMatch(what);
  });

  test('overlapping sections cannot make a small file claim gigabytes', () => {
    const bad = good.slice();
    const view = new DataView(bad.buffer);
    const table = Number(view.getBigUint64(40, true));
    for (let index = 1; index < view.getUint16(60, true); index++) {
      view.setBigUint64(table + index * 64 + 24, 0n, true);
      view.setBigUint64(table + index * 64 + 32, BigInt(good.length), true);
    }
    expect(problemOf(bad)).toMatch(/./);
  });

  test('random bytes and random damage: an error or a result, never a crash or a hang (property)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        problemOf(bytes);
      }),
    );
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(damage, (edits) => {
        const bad = good.slice();
        for (const [at, value] of edits) bad[at] = value;
        problemOf(bad);
      }),
      { numRuns: 3000 },
    );
  });
});
