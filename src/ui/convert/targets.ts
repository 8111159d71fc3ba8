/** What people convert for: a format with its options, and why. */
import { findOption, type OptionTexts } from '../../engine/options/declare.ts';
import { creatable } from '../create/reading.ts';

/** Formats that the page converts to: those that cannot be had without a passphrase are left to the command. */
export const writable = creatable.filter(({ options }) => options && !findOption(options, 'key-secret'));

export interface Target {
  readonly id: string;
  readonly name: string;
  /** One line. */
  readonly reason: string;
  readonly format: string;
  readonly texts: OptionTexts;
  readonly compress: boolean;
}

/** The first is what the form starts with. */
export const targets: readonly [Target, ...Target[]] = [
  {
    id: 'qemu',
    name: 'QEMU, libvirt',
    reason: 'Zeros are left out, it grows with use and takes snapshots.',
    format: 'qcow2',
    texts: {},
    compress: false,
  },
  {
    id: 'proxmox',
    name: 'Proxmox',
    reason: 'Short to upload; qm disk import copies it into any storage.',
    format: 'qcow2',
    texts: {},
    compress: false,
  },
  {
    id: 'utm',
    name: 'UTM',
    reason: 'UTM copies what it imports: one file, nothing laid out in advance.',
    format: 'qcow2',
    texts: {},
    compress: false,
  },
  {
    id: 'download',
    name: 'Small download',
    reason: 'Compressed inside and opens as it is. Converting takes longer.',
    format: 'qcow2',
    texts: {},
    compress: true,
  },
  {
    id: 'old',
    name: 'Old QEMU',
    reason: 'Version 2 of the format, for QEMU before 1.1 and old tools.',
    format: 'qcow2',
    texts: { compat: '0.10' },
    compress: false,
  },
  {
    id: 'raw',
    name: 'dd, cloud',
    reason: "The disk's own bytes: for dd, cloud uploads and any other tool.",
    format: 'raw',
    texts: {},
    compress: false,
  },
];
