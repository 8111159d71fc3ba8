/**
 * Known images: options, length and SHA-256, each from the layout and from the installed qemu-img; then
 * layouts written out in cluster numbers. None of these files holds a time or a random byte.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { sha256OfFile, sha256OfLayout } from '../../../testing/oracle/compare.ts';
import { type Creator, comparePair, createArguments, IMAGE, loadCreator } from '../../../testing/oracle/create-pair.ts';
import { qemuImgOrThrow } from '../../../testing/oracle/qemu-tools.ts';
import { withTempDir } from '../../../testing/oracle/temp-dir.ts';
import type { ImageLayout, Part } from '../../image/layout.ts';
import { parseOptionList } from '../../options/option-list.ts';
import { readOptions } from '../../options/read.ts';
import { qcow2Options } from './options.ts';
import { qcow2 } from './spec.ts';

/** size, -o, length, SHA-256 */
const images: readonly (readonly [number, string, number, string])[] = [
  [0, '', 196608, '1f0e416c971c2d5effe7d6d021965e76f4424f2bfb5431ba6d62a95a977475bb'],
  [1, '', 196616, '49f302fc7f35a98afa0d09d14fffba7d79108741b167853e173b386561353526'],
  [1048576, '', 196616, '0e7db0d4ad0a3b83d343a88d5991fc5024f7a9ec21c1d0e5f15261ebc3fd587e'],
  [1073741824, '', 196624, '3b107e52f63fab104395d42dbb0d08b9ef9cb3f10b1e32fe083674dba258e7f8'],
  [10737418240, '', 196768, '23a1edeac969b498874484637169fd08de4a7f18f438594fee7103236ba000db'],
  [1073741824, 'compat=0.10', 196624, 'a0bf5e822daabc85ba852c35754526545d80a440353e1ade4b0bbc7de43dd680'],
  [1048576, 'lazy_refcounts=on', 196616, '5cd68c25f61c475b7e5f63b263e0adc9d2b4dd5f9068df3d8c16dbb1063c1814'],
  [1048576, 'compression_type=zstd', 196616, 'e0cd67978044b159aecec2cfb93c96bb7a99673462512f4ed371c2151e076115'],
  [1048576, 'extended_l2=on', 196616, 'feda44bd8a1fc5c04652756eb85cc43e13f33acf52e9a238264969461d398759'],
  [1048576, 'refcount_bits=1', 196616, 'd042a76218165706aaf05b82361750c547864937693b62da7331c467bc50ed84'],
  [1048576, 'refcount_bits=2', 196616, 'c6d7b73434abaf1caa8faf60c9d6bf971bc7edfc43cdd94406b514c327c5e463'],
  [1048576, 'refcount_bits=4', 196616, '59c5537258ab87d800fa36018a33bda8be37761a8b3e0057c8598034272c5573'],
  [1048576, 'refcount_bits=8', 196616, 'b1e4a8bc98529fc82e7cbeeb76c84ae2fdfeee560eb76af93bce490fbe922dbc'],
  [1048576, 'refcount_bits=32', 196616, '1a55f61ee4f4944c2d556e69bb7c66a1e7ff7e7331355a6c0dea3120d6aa6664'],
  [1048576, 'refcount_bits=64', 196616, '74de2184fd23b01b86d41431a2dc94254c84ca969a13e90dcb5abaf7d1931226'],
  [1048576, 'cluster_size=512', 1792, 'b998df1302d22aac1fe999bf678086de486712c7129ee73157ee9bc880b0ced2'],
  [67108864, 'cluster_size=512', 17920, '02461b271c5c14cae8ddbb8363d31646b26bfc1a6fb03c0efea7a31c2b477bc7'],
  [1073741824, 'cluster_size=512', 264704, '594d00c2bc2ac9b2ca7f8e6753fea94e64b9c74b6123fcb86d1b6d8b1b961277'],
  [4294967296, 'cluster_size=512', 1054208, 'f829359bbda75563b7399fe7c37deeac1a6bc9f6837fb6ed640e2d16e1bbe5a6'],
  [1048576, 'cluster_size=4096', 12296, '096f8b08b00138ff88f2150a742c332cd8bcbd10d13674b5780a49aaf449b424'],
  [1048576, 'cluster_size=8192', 24584, '90ecabbc153ef2f6297cc5f542851c41019050160fdbf4cf1b74ea34e836f56b'],
  [1048576, 'cluster_size=2M', 6291464, '42ac89fbd695a72686274f866e5c397c5ad305200f4e957789e39632cdd33a82'],
  [0, 'preallocation=falloc', 262144, '57f73c77a13766cbe0245b792a766abc8b530392fe4d413fe9a604d0fec07af5'],
  [1048576, 'preallocation=metadata', 1376256, '92def2d221e16ead0c03399244172bb7f1cc9c172daeec6699bc42083931e845'],
  [1048576, 'preallocation=falloc', 1376256, '6dafe85529a019d96b61f4197fdc9199da05427d418c5f6a5a43d91b78ce701a'],
  [1048576, 'preallocation=full', 1376256, '6dafe85529a019d96b61f4197fdc9199da05427d418c5f6a5a43d91b78ce701a'],
  [66048, 'preallocation=metadata', 458752, 'cbfcdc221435c98de92feadf28ff6dfeb6df71359edb8f903c41bc6107dbf92a'],
  [66048, 'preallocation=falloc', 458752, '2a43d2a6779096b8ed32aeb2189ba636acca6c80c66d40e0d6ced12ed36edc9e'],
  [629145600, 'preallocation=metadata', 629538816, 'c0215276ebfcaf088b7152dabfa9b41b054b676e2970b5bdb952a1a5e7949a3c'],
  [629145600, 'preallocation=falloc', 629538816, '581f7942b7299aaf18ad4e6825556e308296d344d6c1bb052abd4b18cad785dc'],
  [
    9437184,
    'cluster_size=512,preallocation=metadata',
    9656320,
    'f6dded0958a4dc40ef61378645fd6e20c251661747cb65c1b0a0d501a5aa9d33',
  ],
  [
    9437184,
    'cluster_size=512,preallocation=falloc',
    9626624,
    '04afa5d45ebdbb277515c1abe49c9ac94d92f28cb6ea2f8e10c7c7c948e3b575',
  ],
  [
    2097152,
    'cluster_size=512,refcount_bits=64,preallocation=metadata',
    2198528,
    '2bbf7b880452b001ad59168e2cbc2391d5ea677c806b292482e481ccd0fae6e5',
  ],
  [
    20971520,
    'cluster_size=4096,refcount_bits=64,preallocation=metadata',
    21069824,
    '8d2bcfd17493e7a099b7a5ae0ebcfd0af52cddbc6eaa4eda4f5479712689c3a2',
  ],
  [
    1048576,
    'cluster_size=1024,refcount_bits=1,preallocation=metadata',
    1060864,
    '1df6a8b0b280c3824868acf46e9ff28a08a2bbc10cda1757ced6068fc79d6d6e',
  ],
  [
    5243392,
    'extended_l2=on,preallocation=metadata',
    5572608,
    'b7d9b8a74c280e070b65ff704aaf8a6062fe42d2257b08df1abf8f8f1201a395',
  ],
  [
    5243392,
    'extended_l2=on,preallocation=falloc',
    5636096,
    '5ac4ad8ddb8cd65b5015cda3fe3ac9f2fdcff64e0f29bbfda9a1c97dc4a72211',
  ],
  [
    9437184,
    'cluster_size=512,compat=0.10,preallocation=metadata',
    9656320,
    'a519c412cb786e3395b4d02c89211928a1069537eff44294030cfa18c397cb7e',
  ],
  [
    3221225472,
    'preallocation=metadata',
    3221946368,
    'a02deea7de5d4caa0c7fadee3c86502169146ac5a2ae8cddae1a502bf92ff410',
  ],
  [1048576, 'data_file=d.raw', 196616, '1d6fc42afe58d2360246b84abe61b8d2a771d74109fe7bf8100c69e5007df011'],
  [
    1048576,
    'data_file=d.raw,data_file_raw=on',
    327680,
    '23574f1826e2a861f2a4f83b28354e1acfdce16b3f8265f40d7077d454015b02',
  ],
  [
    1048576,
    'data_file=d.raw,preallocation=metadata',
    327680,
    'cc6406ed48eeaa5ec3ceb36d12e6dd303875e3d27b177b85d95a69d24a5b9814',
  ],
  [
    1048576,
    'backing_file=base.qcow2,backing_fmt=qcow2',
    196616,
    '2fc313ca38bbe362396420dfd8f7f829afb37bf0a0e269d47a29fb48462ae3a4',
  ],
  [
    1048576,
    'compat=0.10,backing_file=base.qcow2,backing_fmt=qcow2',
    196616,
    '4c6a9d055227ade4e1137aecaf5f5acb3da473a90ffcb2a4424ff646724ddef8',
  ],
  [
    1048576,
    'cluster_size=512,backing_file=base.qcow2,backing_fmt=raw',
    1792,
    '7372608e698c16be3f7370a460c9c132bbd02b6ed1924edfa94c5bb845b4fa79',
  ],
];

interface Worked {
  readonly size: string;
  readonly options: string;
  readonly length?: number;
  /** part → first clusters of its runs, in file order from the first on. */
  readonly at: Partial<Readonly<Record<Part, readonly number[]>>>;
}

const worked: readonly Worked[] = [
  { size: '1M', options: 'preallocation=metadata', length: 1376256, at: { l1: [3], l2: [4], data: [5] } },
  {
    size: '1M',
    options: 'preallocation=falloc',
    length: 1376256,
    at: { l2: [1], l1: [3], 'refcount-table': [4], data: [5] },
  },
  { size: '66048', options: 'preallocation=metadata', length: 458752, at: { l2: [4], data: [5] } },
  {
    size: '3G',
    options: 'preallocation=metadata',
    length: 3221946368,
    at: { l2: [4, 8197, 16390, 24583, 32777, 40970], 'refcount-block': [2, 32776] },
  },
  {
    size: '1025M',
    options: 'preallocation=falloc',
    length: 1075249152,
    at: { l2: [1, 16405], 'refcount-table': [4], data: [5] },
  },
  { size: '300G', options: 'cluster_size=2M,preallocation=metadata', length: 322133032960, at: { l2: [4], data: [5] } },
  {
    size: '40M',
    options: 'cluster_size=16k,extended_l2=on,preallocation=metadata',
    at: { l2: [4, 1029, 2054], data: [5, 1030, 2055] },
  },
  {
    size: '20M',
    options: 'cluster_size=4096,refcount_bits=64,preallocation=metadata',
    length: 21069824,
    at: { 'refcount-block': [2, 517, 1031, 1545] },
  },
  {
    size: '2M',
    options: 'cluster_size=512,refcount_bits=64,preallocation=metadata',
    length: 2198528,
    at: { l1: [3], l2: [4, 70], 'refcount-table': [4162] },
  },
  {
    size: '9M',
    options: 'cluster_size=512,preallocation=metadata',
    length: 9656320,
    at: { l1: [3], l2: [8, 73], 'refcount-table': [16641] },
  },
  {
    size: '9M',
    options: 'cluster_size=512,preallocation=falloc',
    length: 9626624,
    at: { l2: [1, 18515], 'refcount-table': [81], data: [83] },
  },
  {
    size: '1M',
    options: 'cluster_size=512,preallocation=falloc',
    length: 1071104,
    at: { l2: [1, 2061], l1: [3], 'refcount-block': [2, 4], 'refcount-table': [12], data: [13] },
  },
  {
    size: '20M',
    options: 'cluster_size=512,preallocation=falloc',
    length: 21390336,
    at: { l1: [3], 'refcount-table': [176], data: [179] },
  },
  { size: '1G', options: 'cluster_size=512', length: 264704, at: { l1: [3], 'refcount-block': [2, 515] } },
  { size: '4G', options: 'cluster_size=512', length: 1054208, at: { l1: [3], 'refcount-block': [2, 2051] } },
  { size: '8G', options: 'cluster_size=512', length: 2106880, at: { l1: [3], 'refcount-block': [2, 4099] } },
  { size: '1T', options: '', length: 212992, at: { l1: [3] } },
  { size: '1M', options: 'data_file=d.raw,data_file_raw=on', length: 327680, at: { l1: [3], l2: [4] } },
];

const textsOf = (size: number | string, options: string) => ({
  ...(options === '' ? {} : parseOptionList(options)),
  size: `${size}`,
});

/** First clusters of the runs of a part; pieces that touch are one run. */
function starts(layout: ImageLayout, part: Part, clusterSize: number): number[] {
  const found: number[] = [];
  let end = -1;
  for (const piece of layout.image.pieces()) {
    if (piece.part !== part) continue;
    if (piece.at !== end) found.push(piece.at / clusterSize);
    end = piece.at + piece.length;
  }
  return found;
}

let creator: Creator;
beforeAll(async () => {
  creator = await loadCreator(qcow2);
});

describe('images known by their digest', () => {
  test.each(images)('%i %s', (size, options, length, sha256) => {
    const texts = textsOf(size, options);
    const layout = creator.driver.layout({ texts }).image;
    expect({ length: layout.length, sha256: sha256OfLayout(layout) }).toEqual({ length, sha256 });
    withTempDir((dir) => {
      qemuImgOrThrow(createArguments(creator, texts), { cwd: dir });
      expect(sha256OfFile(join(dir, IMAGE)), "the oracle's own file").toBe(sha256);
    });
  });
});

describe('layouts known by cluster numbers', () => {
  test.each(worked)('$size $options', ({ size, options, length, at }) => {
    const texts = textsOf(size, options);
    const layout = creator.driver.layout({ texts });
    if (length !== undefined) expect(layout.image.length).toBe(length);
    const { clusterSize } = readOptions(qcow2Options, texts).values;
    for (const [part, clusters] of Object.entries(at)) {
      const found = starts(layout, part as Part, Number(clusterSize));
      expect(found.slice(0, clusters.length), part).toEqual(clusters);
    }
    withTempDir((dir) => expect(comparePair(creator, texts, dir)).toEqual({ accepted: true }));
  });
});
