/** Driver names that QEMU 7.2 accepts as backing_fmt (`qemu-img --help`, "Supported formats"). */
export const backingFormats: readonly string[] = (
  'blkdebug blklogwrites blkverify bochs cloop compress copy-before-write copy-on-read dmg file ftp ftps ' +
  'gluster host_cdrom host_device http https iscsi iser luks nbd nfs null-aio null-co nvme parallels ' +
  'preallocate qcow qcow2 qed quorum raw rbd replication snapshot-access ssh throttle vdi vhdx vmdk vpc vvfat'
).split(' ');
