/** Help texts, made from the tables of flags. */
import type { Command } from './command.ts';
import type { Flag } from './flags.ts';
import { PROGRAM } from './io.ts';

function spelling({ short, long, value }: Flag): string {
  const names = [short === undefined ? [] : `-${short}`, long === undefined ? [] : `--${long}`].flat();
  return names.join(', ') + (value === undefined ? '' : ` ${value}`);
}

function bracket(flag: Flag): string {
  const name = flag.short === undefined ? `--${flag.long}` : `-${flag.short}`;
  return `[${name}${flag.value === undefined ? '' : ` ${flag.value}`}]`;
}

const available = (command: Command): Flag[] =>
  Object.values(command.flags).filter((flag) => flag.refused === undefined);

function usageLine(command: Command): string {
  const flags = available(command).filter((flag) => flag.long !== 'help');
  return [PROGRAM, command.name, ...flags.map(bracket), command.positionals].filter((word) => word !== '').join(' ');
}

export function commandHelp(command: Command): string {
  const flags = available(command);
  const width = Math.max(...flags.map((flag) => spelling(flag).length));
  const lines = [
    `usage: ${usageLine(command)}`,
    command.about,
    '',
    ...flags.map((flag) => `  ${spelling(flag).padEnd(width)}  ${flag.help}`),
    '',
    ...command.notes,
  ];
  return `${lines.join('\n')}\n`;
}

export function programHelp(commands: readonly Command[], version: string): string {
  const lines = [
    `${PROGRAM} ${version}: builds virtual-machine disk images, byte for byte what qemu-img 7.2 writes`,
    '',
    ...commands.flatMap((command) => [`  ${usageLine(command)}`, `      ${command.about}`]),
    '',
    `${PROGRAM} <command> --help lists its flags; ${PROGRAM} create -f <format> -o help lists a format's options.`,
    `${PROGRAM} --version tells the version.`,
  ];
  return `${lines.join('\n')}\n`;
}
