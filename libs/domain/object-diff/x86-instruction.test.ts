// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeInstruction, endsFlow } from './x86-instruction';

const bytesOf = (hex: string) => Uint8Array.from(hex.split(' '), (byte) => parseInt(byte, 16));
const decode = (hex: string) => decodeInstruction(bytesOf(`${hex} cc cc cc cc cc cc cc cc`), 0, 24);

describe('lengths, as objdump tells them', () => {
  test.each<[string, string]>([
    ['ret', 'c3'],
    ['push %r12', '41 54'],
    ['mov %rsp,%rbp', '48 89 e5'],
    ['mov $1,%eax', 'b8 01 00 00 00'],
    ['movabs $imm64,%rax', '48 b8 08 07 06 05 04 03 02 01'],
    ['mov $imm16,%ax', '66 b8 34 12'],
    ['movl $11,0x0(%rip)', 'c7 05 00 00 00 00 0b 00 00 00'],
    ['movb $1,0x0(%rip)', 'c6 05 00 00 00 00 01'],
    ['movw $1,(%rax)', '66 c7 00 01 00'],
    ['mov 0x8(%rsp),%rdi', '48 8b 7c 24 08'],
    ['mov 0x12345678(,%rax,8),%rax', '48 8b 04 c5 78 56 34 12'],
    ['lea 0x0(%rip),%rsi', '48 8d 35 00 00 00 00'],
    ['testb $8,0x2c(%rdi)', 'f6 47 2c 08'],
    ['notb 0x2c(%rdi)', 'f6 57 2c'],
    ['testl $imm32,(%rdi)', 'f7 07 01 00 00 00'],
    ['neg %eax', 'f7 d8'],
    ['jne short', '75 05'],
    ['jne near', '0f 85 00 01 00 00'],
    ['call', 'e8 00 00 00 00'],
    ['notrack jmp *%rax', '3e ff e0'],
    ['lock cmpxchg %edx,(%rdi)', 'f0 0f b1 17'],
    ['rep stos', 'f3 48 ab'],
    ['endbr64', 'f3 0f 1e fa'],
    ['nopw cs:0x0(%rax,%rax,1)', '66 2e 0f 1f 84 00 00 00 00 00'],
    ['bt $5,%rax', '48 0f ba e0 05'],
    ['movdqa %xmm0,(%rax)', '66 0f 7f 00'],
    ['pshufb %xmm1,%xmm0', '66 0f 38 00 c1'],
    ['palignr $8,%xmm1,%xmm0', '66 0f 3a 0f c1 08'],
    ['vpxor %ymm1,%ymm2,%ymm3', 'c5 ed ef d9'],
    ['vpalignr $8,%ymm1,%ymm2,%ymm3', 'c4 e3 6d 0f d9 08'],
    ['vpxorq %zmm1,%zmm2,%zmm3', '62 f1 ed 48 ef d9'],
    ['enter $16,$1', 'c8 10 00 01'],
    ['movabs 0x…,%eax', 'a1 01 02 03 04 05 06 07 08'],
    ['gs incl 0x0(%rip)', '65 ff 05 00 00 00 00'],
    ['iretq', '48 cf'],
    ['ud2', '0f 0b'],
  ])('%s', (_, hex) => {
    expect(decode(hex)?.end).toBe(hex.split(' ').length);
  });

  test('what does not exist in 64-bit mode is unknown', () => {
    for (const hex of ['06', '27', '9a', 'ce', 'ea', '0f 04', '0f 0a']) expect(decode(hex)).toBeNull();
  });
});

test('immediates and branches are found', () => {
  expect(decode('c7 05 00 00 00 00 0b 00 00 00')).toMatchObject({ immediateOffset: 6, immediateBytes: 4 });
  expect(decode('e8 00 00 00 00')).toMatchObject({ relativeOffset: 1, relativeBytes: 4, opcode: 0xe8 });
  expect(decode('0f 84 00 00 00 00')).toMatchObject({ relativeOffset: 2, relativeBytes: 4, opcode: 0x0f84 });
  expect(['c3', 'e9 00 00 00 00', 'eb 00', '0f 0b'].map((hex) => endsFlow(decode(hex)!))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(endsFlow(decode('e8 00 00 00 00')!)).toBe(false);
});

test('any bytes: an instruction inside the range, or null (property)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), (bytes) => {
      const instruction = decodeInstruction(bytes, 0, bytes.length);
      if (instruction === null) return;
      expect(instruction.end).toBeGreaterThan(0);
      expect(instruction.end).toBeLessThanOrEqual(bytes.length);
    }),
  );
});
