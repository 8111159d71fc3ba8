import { describe, expect, test } from 'vitest';
import { forecastOf } from '../testing/fake-engine.ts';
import { drawFile, sameFile } from './drawing.ts';
import { placeLabels } from './place-labels.ts';

const reportOf = (texts: Record<string, string>) => forecastOf('qcow2', { size: '32G', ...texts });

describe('drawFile', () => {
  test('an empty image: every part linear, none enlarged', async () => {
    const { now } = await reportOf({});
    const { bars, enlarged } = drawFile(now);
    expect(bars.map((bar) => bar.part)).toEqual(['header', 'refcount-table', 'refcount-block', 'l1']);
    for (const bar of bars.slice(0, 3)) expect(bar.share).toBeCloseTo(65536 / 197120);
    expect(enlarged).toBe(undefined);
  });

  test('a full image: the metadata is gathered and enlarged', async () => {
    const { full } = await reportOf({});
    if (!full) throw new Error('no full image');
    const { enlarged } = drawFile(full);
    expect(enlarged?.dominant).toBe('data');
    expect(enlarged?.gathered).toBe(true);
    expect(enlarged?.bytes).toBe(full.metadata);
    expect(enlarged?.bars.reduce((sum, bar) => sum + bar.share, 0)).toBeCloseTo(1);
  });

  test('no stretch is drawn twice or outside the strip', async () => {
    for (const texts of [
      {},
      { preallocation: 'metadata' },
      { cluster_size: '512', size: '8M', preallocation: 'full' },
    ]) {
      const { now } = await reportOf(texts);
      let end = 0;
      for (const bar of drawFile(now).bars) {
        expect(bar.from).toBeGreaterThanOrEqual(end - 1e-9);
        end = bar.from + bar.share;
      }
      expect(end).toBeLessThanOrEqual(1 + 1e-9);
    }
  });

  test('metadata at the start of the file has guide lines, scattered metadata has not', async () => {
    const { now } = await reportOf({ data_file: 'd', preallocation: 'metadata' });
    expect(drawFile(now).enlarged).toMatchObject({ dominant: 'l2', gathered: false });
  });

  test('a file of one part, and an empty file', async () => {
    const { now } = await forecastOf('raw', { size: '1M' });
    expect(drawFile(now)).toMatchObject({ bars: [{ part: 'data', from: 0, share: 1 }] });
    expect(drawFile((await forecastOf('raw', { size: '0' })).now)).toEqual({ bars: [], captions: [] });
  });

  test('a preallocated image is already what it will be', async () => {
    const { now, full } = await reportOf({ preallocation: 'metadata' });
    expect(full && sameFile(now, full)).toBe(true);
  });
});

describe('placeLabels', () => {
  const label = (item: string, from: number, share: number) => ({
    item,
    from,
    share,
    names: [item, item[0] ?? ''],
    note: '1',
  });

  test('labels stand at the start of their bars', () => {
    const { placed, left } = placeLabels([label('header', 0, 0.5), label('table', 0.5, 0.5)], 400);
    expect(placed.map(({ item, side, at }) => [item, side, at])).toEqual([
      ['header', 'start', 0],
      ['table', 'start', 0.5],
    ]);
    expect(left).toEqual([]);
  });

  test('the last thin bar is named from its end', () => {
    const { placed } = placeLabels([label('header', 0, 0.99), label('thin', 0.99, 0.01)], 400);
    expect(placed[1]).toMatchObject({ item: 'thin', side: 'end', at: 1 });
  });

  test('a shorter name before none, and none before a collision', () => {
    const { placed, left } = placeLabels(
      [label('first', 0, 0.1), label('a long name', 0.1, 0.3), label('second', 0.4, 0.6), label('lost', 0.405, 0.001)],
      200,
    );
    expect(placed.find((one) => one.item === 'a long name')?.name).toBe('a');
    expect(left).toContain('lost');
  });
});
