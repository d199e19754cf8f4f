// SPDX-License-Identifier: GPL-2.0-only

export const distributions = ['debian', 'ubuntu', 'rhel'] as const;
export type Distribution = (typeof distributions)[number];

/** What a vendor's kernel consists of, as far as patching it needs. */
export const vendorParts = ['source', 'config', 'symvers', 'vmlinux', 'modules', 'debugModules', 'image'] as const;
export type VendorPart = (typeof vendorParts)[number];

export interface VendorLayout {
  /** Packages that hold the parts; `fits` names the one whose version a package must have that several kernels share. */
  readonly packages: readonly { readonly name: string; readonly fits?: string }[];
  /** Where the parts are below the folder that the packages were unpacked in, best first; `*` stands for any name. */
  readonly paths: Readonly<Record<VendorPart, readonly string[]>>;
  /** What no package holds, and where it is put. */
  readonly unpackaged?: string;
  /** What to type where the packages cannot be fetched by Lockstep; the folder is FOLDER. */
  readonly commands: readonly string[];
}

const modulesOf = (release: string): string[] => [`lib/modules/${release}`, `usr/lib/modules/${release}`];
const debugModulesOf = (release: string): string[] => modulesOf(release).map((path) => `usr/lib/debug/${path}`);

function debian(release: string): VendorLayout {
  const series = seriesOf(release);
  const image = `linux-image-${release}`;
  const names = [image, `${image}-dbg`, `linux-headers-${release}`];
  const isRealTime = /-rt-/.test(release);
  const source = `usr/src/linux-source-${series}${isRealTime ? '-rt' : ''}`;
  const shared = { name: `linux-source-${series}`, fits: `${image}-dbg` };
  return {
    packages: [...names.map((name) => ({ name })), ...(isRealTime ? [] : [shared])],
    ...(isRealTime ? { unpackaged: `${source}: no package holds the source with the real-time patches` } : {}),
    paths: {
      source: [source, `${source}.tar.xz`],
      config: [`boot/config-${release}`, `usr/src/linux-headers-${release}/.config`],
      symvers: [`usr/src/linux-headers-${release}/Module.symvers`],
      vmlinux: [`usr/lib/debug/boot/vmlinux-${release}`, `usr/lib/debug/vmlinux-${release}`],
      modules: modulesOf(release),
      debugModules: debugModulesOf(release),
      image: [`boot/vmlinuz-${release}`],
    },
    commands: [
      `apt-get download ${names.join(' ')}${isRealTime ? '' : ` linux-source-${series}=VERSION-OF-${image}`}`,
      'for package in *.deb; do dpkg-deb -x "$package" FOLDER; done',
      ...(isRealTime
        ? [
            `apt-get source linux=VERSION-OF-${image}   # needs a line deb-src in apt's sources`,
            `cd linux-${series}*/ && for patch in $(grep -v '^#' debian/patches-rt/series); do patch -p1 < debian/patches-rt/$patch; done`,
            `cp -a . FOLDER/${source}`,
          ]
        : []),
    ],
  };
}

/** Debug packages are in an archive of their own (ddebs); the kernel's modules and config in a package beside the image. */
function ubuntu(release: string): VendorLayout {
  const series = seriesOf(release);
  const source = `linux-source-${series}.0`;
  const names = [
    `linux-image-unsigned-${release}`,
    `linux-image-unsigned-${release}-dbgsym`,
    `linux-modules-${release}`,
    `linux-modules-extra-${release}`,
    `linux-headers-${release}`,
  ];
  const packages = [...names.map((name) => ({ name })), { name: source, fits: `linux-modules-${release}` }];
  return {
    packages,
    paths: {
      source: [`usr/src/${source}/${source}`, `usr/src/${source}/${source}.tar.bz2`, `usr/src/${source}.tar.bz2`],
      config: [`boot/config-${release}`],
      symvers: [`usr/src/linux-headers-${release}/Module.symvers`],
      vmlinux: [`usr/lib/debug/boot/vmlinux-${release}`],
      modules: modulesOf(release),
      debugModules: debugModulesOf(release),
      image: [`boot/vmlinuz-${release}`],
    },
    commands: [
      'enable the archive of debug packages (ddebs), as the vendor documents it',
      `apt-get download ${names.join(' ')} ${source}`,
      'for package in *.deb *.ddeb; do dpkg-deb -x "$package" FOLDER; done',
    ],
  };
}

/** The sources are those of the source package, prepared as its spec file does: kernel-debuginfo-common has only what was compiled. */
function rhel(release: string): VendorLayout {
  const names = ['kernel-core', 'kernel-modules-core', 'kernel-modules', 'kernel-devel', 'kernel-debuginfo'];
  return {
    packages: names.map((name) => ({ name: `${name}-${release}` })),
    paths: {
      source: [
        `usr/src/linux-${release}`,
        `usr/src/linux-${release}.tar.xz`,
        'usr/src/linux-*.tar.xz',
        `usr/src/debug/*/linux-${release}`,
      ],
      config: [...modulesOf(release).map((path) => `${path}/config`), `boot/config-${release}`],
      symvers: [
        `usr/src/kernels/${release}/Module.symvers`,
        ...modulesOf(release).flatMap((path) => [`${path}/symvers.gz`, `${path}/symvers.xz`]),
      ],
      vmlinux: debugModulesOf(release).map((path) => `${path}/vmlinux`),
      modules: modulesOf(release),
      debugModules: debugModulesOf(release),
      image: [...modulesOf(release).map((path) => `${path}/vmlinuz`), `boot/vmlinuz-${release}`],
    },
    commands: [
      `dnf download ${names.map((name) => `${name}-${release}`).join(' ')}; dnf download --source kernel-core-${release}`,
      'for package in *.rpm; do rpm2cpio "$package" | cpio -idD FOLDER; done',
      `rpmbuild -bp kernel.spec, and copy its linux-${release} to FOLDER/usr/src`,
    ],
  };
}

/** `6.1` of `6.1.0-50-cloud-amd64`. */
const seriesOf = (release: string): string => /^\d+\.\d+/.exec(release)?.[0] ?? release;

export function layoutOf(distribution: Distribution, release: string): VendorLayout {
  switch (distribution) {
    case 'debian':
      return debian(release);
    case 'ubuntu':
      return ubuntu(release);
    case 'rhel':
      return rhel(release);
  }
}
