/** The next step in the programs that will use the image, with the real file names filled in. */
import { quoteWord } from '../create/shell-words.ts';

export interface Saved {
  /** As saved, `.gz` included. */
  readonly file: string;
  /** Name without `.gz`. */
  readonly image: string;
  readonly format: string;
  /** Saved name of the data file, and its name as stored in the image. */
  readonly dataFile?: { readonly file: string; readonly stored: string } | undefined;
  readonly backingFile?: string | undefined;
}

export interface Step {
  readonly text: string;
  readonly command?: string;
}

export interface Guide {
  readonly program: string;
  readonly steps: readonly Step[];
}

/** The value of a `-drive` or `--disk` list: a comma is doubled there. */
const listValue = (text: string): string => text.replaceAll(',', ',,');
/** A name that a program could take for a flag or a protocol becomes a path. */
const path = (name: string): string => (/^-|^[^/]*:/.test(name) ? `./${name}` : name);

/** What must be done before any program can read the image. */
function preparation({ file, image, dataFile, backingFile }: Saved): Step[] {
  const steps: Step[] = [];
  if (file !== image) steps.push({ text: 'Unpack it first.', command: `gunzip ${quoteWord(path(file))}` });
  if (dataFile && dataFile.file !== dataFile.stored) {
    steps.push({
      text: 'Give the data file the name that the image knows it by.',
      command: `mv ${quoteWord(path(dataFile.file))} ${quoteWord(path(dataFile.stored))}`,
    });
  }
  if (backingFile !== undefined) {
    steps.push({ text: `Put ${backingFile} where the image looks for it: its name counts from the image's folder.` });
  }
  return steps;
}

function qemu({ image, format, dataFile }: Saved): Step[] {
  const drive = quoteWord(`file=${listValue(path(image))},format=${format},if=virtio`);
  return [
    ...(dataFile
      ? [{ text: `Work in the folder that holds both files: QEMU looks for ${dataFile.stored} where it is started.` }]
      : []),
    {
      text: 'Start a machine with the disk and an installer. Put your own ISO in place of installer.iso.',
      command: `qemu-system-x86_64 -accel kvm -m 4G \\\n  -drive ${drive} \\\n  -cdrom installer.iso`,
    },
    { text: 'On macOS write -accel hvf, on Windows -accel whpx.' },
  ];
}

/** For programs that start QEMU elsewhere, where it would not find the data file. */
function oneFile({ image, format, dataFile }: Saved): { steps: Step[]; image: string } {
  if (!dataFile) return { steps: [], image };
  const single = `single-${image}`;
  return {
    image: single,
    steps: [
      {
        text: `Make one file of the two, in their folder: started from elsewhere, QEMU would not find ${dataFile.stored}.`,
        command: `qemu-img convert -f ${format} -O ${format} ${quoteWord(path(image))} ${quoteWord(path(single))}`,
      },
    ],
  };
}

function virtManager(saved: Saved): Step[] {
  const { steps, image } = oneFile(saved);
  const pool = '/var/lib/libvirt/images/';
  const disk = quoteWord(`path=${listValue(pool + image)},format=${saved.format},bus=virtio`);
  return [
    ...steps,
    { text: 'Move the file into the default storage pool.', command: `sudo mv ${quoteWord(path(image))} ${pool}` },
    {
      text: 'Create the machine around it, or choose the file in virt-manager: New, then Import existing disk image.',
      command: `virt-install --name vm1 --memory 4096 --vcpus 2 \\\n  --disk ${disk} \\\n  --cdrom installer.iso --osinfo detect=on,require=off`,
    },
  ];
}

function proxmox({ image, dataFile }: Saved): Step[] {
  return [
    {
      text: `Copy ${dataFile ? 'both files' : 'the file'} to the node, then import ${dataFile ? 'in their folder' : 'it'} into machine 100.`,
      command: `qm disk import 100 ${quoteWord(path(image))} local-lvm`,
    },
    {
      text: 'Attach it and start from it. The import prints the volume, here the first of the machine.',
      command: 'qm set 100 --scsihw virtio-scsi-single --scsi0 local-lvm:vm-100-disk-0\nqm set 100 --boot order=scsi0',
    },
  ];
}

function utm(saved: Saved): Step[] {
  const { steps, image } = oneFile(saved);
  return [
    ...steps,
    { text: 'New machine: choose Virtualize or Emulate, then finish the assistant.' },
    { text: `Open its settings, remove the drive UTM made, choose New Drive, Import, and pick ${image}.` },
    { text: 'Set the interface to VirtIO and start.' },
  ];
}

export function guidesFor(saved: Saved): readonly Guide[] {
  const before = preparation(saved);
  return [
    { program: 'QEMU', steps: [...before, ...qemu(saved)] },
    { program: 'virt-manager', steps: [...before, ...virtManager(saved)] },
    { program: 'Proxmox', steps: [...before, ...proxmox(saved)] },
    { program: 'UTM', steps: [...before, ...utm(saved)] },
  ];
}
