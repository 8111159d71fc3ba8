/** Good starting points by product and by need: each a recipe, with the reason why it is as it is. */
import type { Recipe } from './recipe.ts';

/** A good starting point, with the reason for it. */
export interface Preset {
  readonly name: string;
  /** Why these options, in a sentence or two. */
  readonly reason: string;
  readonly recipe: Recipe;
}

const qcow2 = (file: string, options: Recipe['options']): Recipe => ({ format: 'qcow2', file, options });

/** The first is what the form starts with. */
export const presets: readonly [Preset, ...Preset[]] = [
  {
    name: 'QEMU default',
    reason:
      'What qemu-img makes when nothing is asked for: small at first, grows with use, opens in every QEMU since 2012.',
    recipe: qcow2('disk.qcow2', { size: '32G' }),
  },
  {
    name: 'libvirt',
    reason:
      "Lazy refcounts as virt-manager sets them, but nothing preallocated: since libvirt 4.3 virt-manager's own dialog takes all the space at once.",
    recipe: qcow2('vm1.qcow2', { size: '20G', lazy_refcounts: 'on' }),
  },
  {
    name: 'Proxmox',
    reason:
      'Tables laid out in advance, as Proxmox does on directory storage: the guest never waits for one, and the data is still a hole. The name is the one it expects.',
    recipe: qcow2('vm-100-disk-0.qcow2', { size: '32G', preallocation: 'metadata' }),
  },
  {
    name: 'UTM',
    reason:
      'UTM copies the file that it imports, so it is kept small: nothing is laid out in advance, and 64 GiB leave a desktop system room to grow.',
    recipe: qcow2('disk.qcow2', { size: '64G' }),
  },
  {
    name: 'Cloud overlay',
    reason:
      'Rests on a cloud image that stays as it is and keeps only what changes. Larger than the base, so that the guest can grow into it at its first start.',
    recipe: qcow2('server.qcow2', { size: '20G', backing_file: 'base.qcow2', backing_fmt: 'qcow2' }),
  },
  {
    name: 'Many small overlays',
    reason:
      'Clusters of 8 KiB: an untouched overlay takes a quarter of the usual space, and a small write copies 8 KiB of the base in place of 64. For class rooms and test runs.',
    recipe: qcow2('overlay.qcow2', {
      size: '20G',
      backing_file: 'base.qcow2',
      backing_fmt: 'qcow2',
      cluster_size: '8K',
    }),
  },
  {
    name: 'Database',
    reason:
      "Pages of 4 to 16 KiB fit the 32 pieces of each cluster, so that a write copies nothing beside it, and QEMU's usual cache covers all tables up to 256 GiB. Needs QEMU 5.2.",
    recipe: qcow2('data.qcow2', { size: '100G', cluster_size: '128K', extended_l2: 'on', preallocation: 'metadata' }),
  },
  {
    name: 'Fully preallocated',
    reason:
      'All space is taken now: the host cannot run out of it later, and the speed is even from the first write on. Slow to make, and as long as the disk.',
    recipe: qcow2('disk.qcow2', { size: '32G', preallocation: 'full' }),
  },
];
