/** The `Formatting …` line of qemu-img create (contract: options.md, "Summary line"). */
import { parseQemuNumber, parseQemuSize } from '../bytes/size-text.ts';
import { inOrder, type OptionDeclaration, type OptionSet, type OptionTexts } from './declare.ts';

function printed(option: OptionDeclaration, text: string): string {
  if (option.kind === 'size') {
    const reading = parseQemuSize(text);
    return reading.ok ? BigInt.asIntN(64, reading.bytes).toString() : text;
  }
  if (option.kind === 'number') {
    const value = parseQemuNumber(text);
    return value === undefined ? text : BigInt.asIntN(64, value).toString();
  }
  return text.replaceAll(',', ',,');
}

function defaultText(option: OptionDeclaration): string | undefined {
  if (option.kind === 'text') return undefined;
  if (option.kind === 'choice') return option.printed ? option.default : undefined;
  if (option.kind === 'number' && option.unprinted) return undefined;
  return option.default;
}

/** One line without its newline. */
export function summaryLine(fileName: string, formatName: string, set: OptionSet, texts: OptionTexts): string {
  const words = [`Formatting '${fileName}', fmt=${formatName}`];
  for (const option of inOrder(set)) {
    const text = texts[option.qemu] ?? defaultText(option);
    if (text !== undefined) words.push(`${option.qemu}=${printed(option, text)}`);
  }
  return words.join(' ');
}
