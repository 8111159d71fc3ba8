/**
 * The programs that the tests need beside Node: QEMU as the judge, two browsers. On Debian as root the
 * missing ones are installed; elsewhere the command that would do it is printed. Nothing is skipped.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const PACKAGES = {
  'qemu-img': 'qemu-utils',
  'qemu-io': 'qemu-utils',
  'qemu-system-x86_64': 'qemu-system-x86',
  chromium: 'chromium',
  'firefox-esr': 'firefox-esr',
};

function isInstalled(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const missing = () => Object.keys(PACKAGES).filter((program) => !isInstalled(program));

/** True when every program is there, after installing if this is Debian and we may. */
export function ensureTools() {
  const absent = missing();
  if (absent.length === 0) return true;
  const packages = [...new Set(absent.map((program) => PACKAGES[program]))];
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  console.log(`Missing: ${absent.join(', ')}`);
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
    console.log(`Install them first. On Debian or Ubuntu:\n  sudo apt-get update && sudo apt-get ${install.join(' ')}`);
    return false;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update', '-q'], install]) {
    if (spawnSync('apt-get', args, { stdio: 'inherit', env }).status !== 0) return false;
  }
  return missing().length === 0;
}
