import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Calibr8Error } from '../errors';
import { setPreparation } from '../memory';
import type { Addon } from './addon';
import { limitSpinning } from './openmp';

let addon: Addon | undefined;

/** The native addon; loaded at first use. Throws ADDON_LOAD with what to do about it. */
export function loadAddon(): Addon {
  if (!addon) {
    addon = load();
    setPreparation(addon.populate);
  }
  return addon;
}

function load(): Addon {
  const path = join(packageRoot(), 'build', 'Release', 'calibr8.node');
  if (!existsSync(path)) {
    throw new Calibr8Error(
      'ADDON_LOAD',
      `Expected the native addon at ${path} but it is not there. Build it: in a checkout with bash ` +
        'scripts/setup.sh, as an installed package (with a compiler, CMake and oneDNN) with npm rebuild calibr8.',
    );
  }
  limitSpinning(process.env);
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- a .node file has no other loader
    return require(path) as Addon;
  } catch (cause) {
    throw new Calibr8Error(
      'ADDON_LOAD',
      `The native addon ${path} cannot be loaded: ${(cause as Error).message}. If a library is missing, install oneDNN ` +
        '(Debian and Ubuntu: apt-get install libdnnl-dev). If it was built for another system or another version of oneDNN, build it anew: ' +
        'npm run build:native, or npm rebuild calibr8.',
      { cause },
    );
  }
}

/** The folder of CMakeLists.txt, whether this file runs from lib or from dist/lib (which has a copy of package.json). */
export function packageRoot(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'CMakeLists.txt'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Calibr8Error(
        'ADDON_LOAD',
        `No CMakeLists.txt above ${__dirname}: the installation is damaged.`,
      );
    folder = parent;
  }
  return folder;
}
