// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-mark.c - turn marked symbols and relocations into those of livepatches
 *
 * klp-mark FILE.ko [VALUE]
 *
 * A compiler has no way to write them. In the module's source they are
 *   klp_sym__OBJECT__NAME__POSITION, a weak symbol that is not defined, and
 *   .klp_relocs.OBJECT.N, a section that refers to nothing but such symbols.
 * All names only get shorter, so that the file is changed in place. With VALUE
 * the symbols have it already, which the kernel must not believe.
 */

#include <fcntl.h>
#include <linux/elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARKED_SYM	"klp_sym__"
#define KLP_SYM		".klp.sym."
#define MARKED_RELA	".rela.klp_relocs."
#define KLP_RELA	".klp.rela."
/* From include/linux/elf.h of the kernel */
#define SHF_RELA_LIVEPATCH	0x00100000

static void die(const char *what)
{
	fprintf(stderr, "klp-mark: %s\n", what);
	exit(1);
}

/* klp_sym__OBJECT__NAME__POSITION becomes .klp.sym.OBJECT.NAME,POSITION */
static void mark_name(char *name)
{
	char *object = name + strlen(MARKED_SYM);
	char *function = strstr(object, "__");
	char *pos = NULL, *next;

	for (next = function; next; next = strstr(next + 2, "__"))
		pos = next;
	if (!function || pos == function)
		die("a symbol is not klp_sym__OBJECT__NAME__POSITION");

	*pos = ',';
	memmove(pos + 1, pos + 2, strlen(pos + 2) + 1);
	*function = '.';
	memmove(function + 1, function + 2, strlen(function + 2) + 1);
	memcpy(name, KLP_SYM, strlen(KLP_SYM));
}

static unsigned int mark_symbols(char *file, const struct elf64_shdr *symtab,
				 const struct elf64_shdr *strtab,
				 unsigned long value)
{
	struct elf64_sym *syms = (struct elf64_sym *)(file + symtab->sh_offset);
	unsigned int i, marked = 0;

	for (i = 1; i < symtab->sh_size / sizeof(*syms); i++) {
		char *name = file + strtab->sh_offset + syms[i].st_name;

		if (syms[i].st_shndx != SHN_UNDEF ||
		    strncmp(name, MARKED_SYM, strlen(MARKED_SYM)))
			continue;

		mark_name(name);
		syms[i].st_shndx = SHN_LIVEPATCH;
		syms[i].st_info = STB_GLOBAL << 4 | STT_NOTYPE;
		syms[i].st_value = value;
		marked++;
	}

	return marked;
}

static unsigned int mark_section(struct elf64_shdr *section, char *name)
{
	if (section->sh_type != SHT_RELA ||
	    strncmp(name, MARKED_RELA, strlen(MARKED_RELA)))
		return 0;

	memmove(name + strlen(KLP_RELA), name + strlen(MARKED_RELA),
		strlen(name + strlen(MARKED_RELA)) + 1);
	memcpy(name, KLP_RELA, strlen(KLP_RELA));
	section->sh_flags |= SHF_RELA_LIVEPATCH | SHF_ALLOC;
	return 1;
}

int main(int argc, char **argv)
{
	unsigned int i, nr_syms = 0, nr_sections = 0;
	struct elf64_shdr *sections;
	struct elf64_hdr *header;
	struct stat st;
	char *file;
	int fd;

	if (argc != 2 && argc != 3)
		die("usage: klp-mark FILE.ko [VALUE]");
	fd = open(argv[1], O_RDWR);
	if (fd < 0 || fstat(fd, &st))
		die("cannot open the file");
	file = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (file == MAP_FAILED)
		die("cannot map the file");

	header = (struct elf64_hdr *)file;
	if (memcmp(header->e_ident, ELFMAG, SELFMAG))
		die("not an ELF file");
	sections = (struct elf64_shdr *)(file + header->e_shoff);

	for (i = 1; i < header->e_shnum; i++) {
		struct elf64_shdr *names = &sections[header->e_shstrndx];
		char *name = file + names->sh_offset + sections[i].sh_name;

		nr_sections += mark_section(&sections[i], name);
		if (sections[i].sh_type == SHT_SYMTAB)
			nr_syms += mark_symbols(file, &sections[i],
						&sections[sections[i].sh_link],
						argc == 3 ? strtoul(argv[2], NULL, 0) : 0);
	}

	printf("%u symbols, %u sections\n", nr_syms, nr_sections);
	if (!nr_syms || !nr_sections)
		die("nothing is marked");
	return 0;
}
