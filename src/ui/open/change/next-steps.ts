/** What to do with the saved image, for each kind of change. */
import type { Change } from '../../../worker/change/protocol.ts';
import { quoteWord } from '../../create/shell-words.ts';

export interface NextStep {
  readonly text: string;
  readonly command?: string;
}

function special(change: Change, before: number | undefined): NextStep[] {
  switch (change.kind) {
    case 'resize':
      if (before !== undefined && change.size < before) {
        return [
          {
            text: 'If the disk has a GPT, its copy at the end is gone. Put it back from a Linux that sees the disk:',
            command: 'sudo sgdisk -e /dev/vda',
          },
        ];
      }
      return [
        {
          text: 'Start the guest and grow its partition and file system into the new space. In Linux, for the first partition with ext4:',
          command: 'sudo growpart /dev/vda 1 && sudo resize2fs /dev/vda1',
        },
      ];
    case 'snapshot-delete':
      return [{ text: 'The file is as long as before; its free clusters are used next. Compact makes it shorter.' }];
    case 'rebase':
      if (!change.backing) return [];
      return [{ text: `Keep ${change.backing.name} where the image looks for it: a relative name is relative to it.` }];
    default:
      return [];
  }
}

/** `original`: the open file; `saved`: the new one. */
export function nextSteps(
  change: Change,
  names: { readonly original: string; readonly saved: string },
  before: number | undefined,
): NextStep[] {
  const { original, saved } = names;
  if (change.kind === 'snapshot-extract')
    return [{ text: `${original} still has the snapshot: nothing was taken out of it.` }];
  return [
    ...special(change, before),
    {
      text: `Keep ${original} until the guest has started from the new file. To put that in its place, with the machine shut down:`,
      command: `mv ${quoteWord(saved)} ${quoteWord(original)}`,
    },
  ];
}
