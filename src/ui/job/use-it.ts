/** The next step in the programs that will use the image, with the real file names filled in. */
import { secretFile } from '../create/encryption.ts';
import { quoteWord } from '../create/shell-words.ts';

export interface Saved {
  /** Name of the image as saved. */
  readonly file: string;
  readonly format: string;
  /** Both files were saved compressed. */
  readonly gzip: boolean;
  /** Name of the data file as saved, and the name that the image knows it by. */
  readonly dataFile?: { readonly file: string; readonly stored: string } | undefined;
  readonly backingFile?: string | undefined;
  /** The id of the secret, where the disk is encrypted. */
  readonly secret?: string | undefined;
}

/** Unpacked: `image` is what the programs open. */
interface Ready extends Saved {
  readonly image: string;
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

/** The name once it is unpacked; someone may have saved the compressed file under a name without .gz. */
function plainName(file: string, gzip: boolean): string {
  if (!gzip) return file;
  return file.endsWith('.gz') ? file.slice(0, -3) : `unpacked-${file}`;
}

function unpack(file: string): string {
  if (file.endsWith('.gz')) return `gunzip ${quoteWord(path(file))}`;
  return `gunzip -c < ${quoteWord(path(file))} > ${quoteWord(path(plainName(file, true)))}`;
}

/** What must be done before any program can read the image. */
function preparation({ file, gzip, dataFile, backingFile, secret }: Saved): Step[] {
  const steps: Step[] = [];
  if (gzip) {
    const files = dataFile ? [file, dataFile.file] : [file];
    steps.push({ text: 'Unpack it first.', command: files.map(unpack).join('\n') });
  }
  const data = dataFile && plainName(dataFile.file, gzip);
  if (data !== undefined && dataFile && data !== dataFile.stored) {
    steps.push({
      text: 'Give the data file the name that the image knows it by.',
      command: `mv ${quoteWord(path(data))} ${quoteWord(path(dataFile.stored))}`,
    });
  }
  if (secret !== undefined) {
    steps.push({
      text: `Put the passphrase into ${secretFile(secret)}, without a line break at its end: that would be a part of it.`,
      command: `read -rs WORD; printf %s "$WORD" > ${secretFile(secret)}; chmod 600 ${secretFile(secret)}`,
    });
  }
  if (backingFile !== undefined) {
    const where = beside(backingFile)
      ? "where the image looks for it: its name counts from the image's folder"
      : 'there';
    steps.push({ text: `Put the backing file ${backingFile} ${where}.` });
  }
  return steps;
}

/** Whether the image looks for a file by a name that counts from its own folder. */
const beside = (name: string): boolean => !/^\/|^[^/]*:/.test(name);

/** The secret, as QEMU's lists name it. */
function secretOf({ secret, format }: Saved): { readonly object: string; readonly key: string } | undefined {
  if (secret === undefined) return undefined;
  const key = `${format === 'luks' ? '' : 'encrypt.'}key-secret=${secret}`;
  return { object: quoteWord(`secret,id=${secret},file=${secretFile(secret)}`), key };
}

function qemu(ready: Ready): Step[] {
  const { image, format, dataFile } = ready;
  const secret = secretOf(ready);
  const key = secret ? `,${secret.key}` : '';
  const object = secret ? `  -object ${secret.object} \\\n` : '';
  const drive = quoteWord(`file=${listValue(path(image))},format=${format},if=virtio${key}`);
  return [
    ...(dataFile
      ? [{ text: `Work in the folder that holds both files: QEMU looks for ${dataFile.stored} where it is started.` }]
      : []),
    {
      text: 'Start a machine with the disk and an installer. Put your own ISO in place of installer.iso.',
      command: `qemu-system-x86_64 -accel kvm -m 4G \\\n${object}  -drive ${drive} \\\n  -cdrom installer.iso`,
    },
    { text: 'On macOS write -accel hvf, on Windows -accel whpx.' },
  ];
}

/** A disk without its encryption, for programs that cannot be given a secret. */
function decrypted(ready: Ready, reason: string): { steps: Step[]; image: string } {
  const secret = secretOf(ready);
  const open = `open-${ready.image}`;
  const source = `driver=${ready.format},file.filename=${listValue(path(ready.image))},${secret?.key}`;
  const command = `qemu-img convert --object ${secret?.object} \\\n  --image-opts ${quoteWord(source)} \\\n  -O qcow2 ${quoteWord(path(open))}`;
  return { image: open, steps: [{ text: `${reason} Make a disk without it.`, command }] };
}

/** For programs that take one file, or that start QEMU where it would not find the others. */
function oneFile({ image, format }: Ready, reason: string): { steps: Step[]; image: string } {
  const single = `single-${image}`;
  const steps = [
    {
      text: `Make one file of the two, in their folder: ${reason}`,
      command: `qemu-img convert -f ${format} -O ${format} ${quoteWord(path(image))} ${quoteWord(path(single))}`,
    },
  ];
  return { image: single, steps };
}

function virtManager(saved: Ready): Step[] {
  const { dataFile, backingFile } = saved;
  const { steps, image } = dataFile
    ? oneFile(saved, `started from elsewhere, QEMU would not find ${dataFile.stored}.`)
    : { steps: [], image: saved.image };
  // One file has left its backing file behind it.
  const along = !dataFile && backingFile !== undefined && beside(backingFile) ? `, and ${backingFile} with it` : '';
  const pool = '/var/lib/libvirt/images/';
  const disk = quoteWord(`path=${listValue(pool + image)},format=${saved.format},bus=virtio`);
  return [
    ...steps,
    {
      text: `Move the file into the default storage pool${along}.`,
      command: `sudo mv ${quoteWord(path(image))} ${pool}`,
    },
    {
      text: 'Create the machine around it, or choose the file in virt-manager: New, then Import existing disk image.',
      command: `virt-install --name vm1 --memory 4096 --vcpus 2 \\\n  --disk ${disk} \\\n  --cdrom installer.iso --osinfo detect=on,require=off`,
    },
  ];
}

function proxmox({ image, dataFile }: Ready): Step[] {
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

function utm(saved: Ready): Step[] {
  const { dataFile, backingFile } = saved;
  const alone = dataFile === undefined && backingFile === undefined;
  const { steps, image } = alone
    ? { steps: [], image: saved.image }
    : oneFile(saved, 'UTM copies the file that it imports and nothing beside it.');
  return [
    ...steps,
    { text: 'New machine: choose Virtualize or Emulate, then finish the assistant.' },
    { text: `Open its settings, remove the drive UTM made, choose New Drive, Import, and pick ${image}.` },
    { text: 'Set the interface to VirtIO and start.' },
  ];
}

export function guidesFor(saved: Saved): readonly Guide[] {
  const before = preparation(saved);
  const ready = { ...saved, image: plainName(saved.file, saved.gzip) };
  if (saved.secret !== undefined) return encryptedGuides(before, ready, saved.secret);
  return [
    { program: 'QEMU', steps: [...before, ...qemu(ready)] },
    { program: 'virt-manager', steps: [...before, ...virtManager(ready)] },
    { program: 'Proxmox', steps: [...before, ...proxmox(ready)] },
    { program: 'UTM', steps: [...before, ...utm(ready)] },
  ];
}

/** libvirt keeps the passphrase itself and is told which disk it belongs to. */
function libvirt(ready: Ready, secret: string): Step[] {
  const uuid = '6f5c2f6e-0d4b-4a57-9b5a-1f0c3f3a7d10';
  const definition =
    "<secret ephemeral='no' private='yes'>\n" +
    `  <uuid>${uuid}</uuid>\n  <description>${ready.image}</description>\n</secret>`;
  const disk =
    `<driver name='qemu' type='${ready.format === 'luks' ? 'raw' : ready.format}'/>\n` +
    `<source file='/var/lib/libvirt/images/${ready.image}'>\n` +
    `  <encryption format='luks'>\n    <secret type='passphrase' uuid='${uuid}'/>\n  </encryption>\n</source>`;
  return [
    {
      text: 'Give libvirt the passphrase. Every disk needs a UUID of its own: uuidgen makes another.',
      command: `cat > secret.xml <<'END'\n${definition}\nEND\nsudo virsh secret-define secret.xml\nsudo virsh secret-set-value ${uuid} --file ${secretFile(secret)} --plain`,
    },
    {
      text: 'Move the file into the default storage pool.',
      command: `sudo mv ${quoteWord(path(ready.image))} /var/lib/libvirt/images/`,
    },
    { text: 'In the machine (virt-manager: the disk, XML) let the disk say how it is encrypted.', command: disk },
  ];
}

function encryptedGuides(before: readonly Step[], ready: Ready, secret: string): readonly Guide[] {
  const open = (reason: string, guide: (one: Ready) => Step[]): Step[] => {
    const { steps, image } = decrypted(ready, reason);
    return [
      ...before,
      ...steps,
      ...guide({ ...ready, image, format: 'qcow2', secret: undefined, dataFile: undefined }),
    ];
  };
  return [
    { program: 'QEMU', steps: [...before, ...qemu(ready)] },
    { program: 'virt-manager', steps: [...before, ...libvirt(ready, secret)] },
    { program: 'Proxmox', steps: open('Proxmox opens no disk that is encrypted this way.', proxmox) },
    { program: 'UTM', steps: open('UTM cannot be given the passphrase of a disk.', utm) },
  ];
}
