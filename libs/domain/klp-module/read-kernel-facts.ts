// SPDX-License-Identifier: GPL-2.0-only
import { ElfBytes, malformed, parseElf, readBuildId, sectionFlag, stringAt, type ElfFile } from '@lockstep/domain/elf';
import { LockstepError, parseKernelBuildId } from '@lockstep/domain/livepatch-model';
import type { TableLayouts } from '@lockstep/domain/object-diff';
import type { ExportedSymbol, KernelFacts, KernelFactsInput, LivepatchLayouts } from './kernel-facts';
import { kernelProbeSources } from './kernel-sources';
import { readKernelSymbols } from './read-symbols';

/** @throws LockstepError `invalid-input` naming the file that is missing or wrong */
export function readKernelFacts(input: KernelFactsInput): KernelFacts {
  const vmlinux = parseElf(input.vmlinux, 'vmlinux');
  const buildId = readBuildId(vmlinux);
  if (buildId === null) throw malformed('vmlinux', 'the GNU build-id', 'is missing: link the kernel with --build-id');
  const fact = probeReader(input.probeObjects);
  return {
    kernelBuild: parseKernelBuildId(buildId),
    release: input.release,
    layouts: readLayouts(fact),
    tables: { ...readTables(fact), bugFileBias: readBugFileBias(input.probeObjects) },
    glue: input.glueObject,
    symbols: readKernelSymbols(vmlinux),
    exports: readExports(input.moduleSymvers),
  };
}

type FactReader = (name: string) => number;

function probeReader(objects: ReadonlyMap<string, Uint8Array>): FactReader {
  const facts = new Map<string, number>();
  for (const { fileName } of kernelProbeSources) {
    const bytes = objects.get(fileName);
    if (bytes === undefined) {
      throw new LockstepError('invalid-input', 'missing-probe', `Compile ${fileName} and give its object.`, {
        fileName,
      });
    }
    const elf = parseElf(bytes, fileName);
    for (let symbol = 1; symbol < elf.symbols.count; symbol++) {
      const name = elf.symbols.name(symbol);
      if (name.startsWith('lockstep_') && elf.symbols.isDefined(symbol)) facts.set(name, factAt(elf, symbol));
    }
  }
  return (name) => {
    const value = facts.get(`lockstep_${name}`);
    if (value === undefined) throw malformed('the compiled probe', `lockstep_${name}`, 'is missing');
    return value;
  };
}

function factAt(elf: ElfFile, symbol: number): number {
  const section = elf.sections[elf.symbols.section(symbol)];
  const bytes = section === undefined ? new Uint8Array(0) : elf.bytesOf(section);
  const at = elf.symbols.value(symbol);
  // A probe's zero may lie in .bss, which has no bytes.
  if (bytes.length === 0) return 0;
  if (at + 8 > bytes.length) throw malformed(elf.name, elf.symbols.name(symbol), 'lies outside its section');
  return new ElfBytes(bytes, elf.name).i64(at);
}

function readLayouts(fact: FactReader): LivepatchLayouts {
  return {
    klpFunc: {
      sizeBytes: fact('klp_func_size'),
      oldName: fact('klp_func_old_name'),
      newFunc: fact('klp_func_new_func'),
      oldSympos: fact('klp_func_old_sympos'),
    },
    klpObject: {
      sizeBytes: fact('klp_object_size'),
      name: fact('klp_object_name'),
      funcs: fact('klp_object_funcs'),
      prePatch: fact('klp_object_pre_patch'),
      postPatch: fact('klp_object_post_patch'),
      preUnpatch: fact('klp_object_pre_unpatch'),
      postUnpatch: fact('klp_object_post_unpatch'),
    },
    klpPatch: {
      sizeBytes: fact('klp_patch_size'),
      mod: fact('klp_patch_mod'),
      objs: fact('klp_patch_objs'),
      replace: fact('klp_patch_replace'),
    },
    module: { sizeBytes: fact('module_size'), name: fact('module_name') },
    moduleNameBytes: fact('module_name_len'),
    modversionInfo: {
      sizeBytes: fact('modversion_size'),
      crc: fact('modversion_crc'),
      name: fact('modversion_name'),
    },
  };
}

function readTables(fact: FactReader): Omit<TableLayouts, 'bugFileBias'> {
  return {
    bugEntryBytes: fact('bug_entry_size'),
    bugLineOffset: fact('bug_line'),
    exceptionEntryBytes: fact('exception_size'),
    jumpEntryBytes: fact('jump_size'),
    alternativeEntryBytes: fact('alternative_size'),
    alternativeLengthOffset: fact('alternative_length'),
    paravirtEntryBytes: fact('paravirt_size'),
    staticCallEntryBytes: fact('static_call_size'),
    orcEntryBytes: fact('orc_size'),
    dynamicDebugEntryBytes: fact('dynamic_debug_size'),
    dynamicDebugLineOffset: fact('dynamic_debug_line'),
  };
}

/** How far behind the start of the file's name the reference of the probe's bug entry lies; 0 without such a table. */
function readBugFileBias(objects: ReadonlyMap<string, Uint8Array>): number {
  for (const [fileName, bytes] of objects) {
    const elf = parseElf(bytes, fileName);
    const table = elf.sections.find(({ name }) => name === '__bug_table');
    const relocations = table === undefined ? null : elf.relocationsOf(table);
    for (let rank = 0; relocations !== null && rank < relocations.count; rank++) {
      const symbol = relocations.symbol(rank);
      const section = elf.symbols.isDefined(symbol) ? elf.sections[elf.symbols.section(symbol)] : undefined;
      if (section === undefined || (section.flags & sectionFlag.strings) === 0) continue;
      const place = elf.symbols.value(symbol) + relocations.addend(rank);
      const strings = elf.bytesOf(section);
      const start = place === 0 ? 0 : strings.lastIndexOf(0, place - 1) + 1;
      if (!stringAt(strings, start, strings.length).endsWith(fileName)) {
        throw malformed(fileName, '__bug_table', 'does not name the file that it is in');
      }
      return place - start;
    }
  }
  return 0;
}

/** Module.symvers: crc, name, owner, kind of export, namespace, separated by tabs. */
function readExports(text: string): Map<string, ExportedSymbol> {
  const exports = new Map<string, ExportedSymbol>();
  text.split('\n').forEach((line, index) => {
    if (line === '') return;
    const [crc, name, owner, kind, namespace] = line.split('\t');
    if (crc === undefined || !/^0x[0-9a-f]{8}$/.test(crc) || name === undefined || owner === undefined) {
      throw new LockstepError(
        'invalid-input',
        'malformed-symvers',
        `Module.symvers line ${index + 1} is not readable.`,
        {
          line: index + 1,
          found: line.slice(0, 200),
        },
      );
    }
    exports.set(name, {
      name,
      crc: Number(crc),
      owner,
      gplOnly: kind?.endsWith('_GPL') ?? false,
      namespace: namespace ?? '',
    });
  });
  return exports;
}
