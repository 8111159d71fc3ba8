import { expect, it } from 'vitest';
import { qcow2Driver } from '../engine/formats/qcow2/driver.ts';
import { rawDriver } from '../engine/formats/raw/driver.ts';
import { type ForecastReport, reportForecast } from './forecast.ts';

function forecast(driver: typeof qcow2Driver, texts: Record<string, string>): ForecastReport {
  if (!driver.create) throw new Error('this driver cannot create');
  return reportForecast(driver.create.forecast({ texts }));
}

// Lengths: create-layout.md §3 and §9; the full image is the one that preallocation=metadata makes.
it('tells what a blank qcow2 takes now and may grow to', () => {
  const report = forecast(qcow2Driver, { size: '32G' });
  expect(report.guestSize).toBe(34359738368);
  expect([report.now.length, report.now.written]).toEqual([197120, 197120]);
  expect(report.full?.length).toBe(34365243392);
  expect(report.now.parts.map(({ part, at, bytes }) => [part, at, bytes])).toEqual([
    ['header', 0, 65536],
    ['refcount-table', 65536, 65536],
    ['refcount-block', 131072, 65536],
    ['l1', 196608, 512],
  ]);
});

it('compares every preallocation by what is written and how long the file is', () => {
  const { preallocation } = forecast(qcow2Driver, { size: '1M' }).alternatives;
  expect(preallocation?.off).toEqual({ length: 196616, written: 196616 });
  expect(preallocation?.metadata).toEqual({ length: 1376256, written: 4 * 65536 + 8 });
  expect(preallocation?.full).toEqual({ length: 1376256, written: 20 * 65536 + 8 });
});

it('adds the data file to the cost, and shows it beside the image', () => {
  const report = forecast(qcow2Driver, { size: '1G', data_file: 'd.raw', preallocation: 'full' });
  expect(report.dataFile).toMatchObject({ name: 'd.raw', length: 1073741824, written: 1073741824 });
  expect(report.alternatives.preallocation?.full?.length).toBe(1073741824 + report.now.length);
});

it('leaves out a choice that would exceed a limit', () => {
  const { alternatives, full } = forecast(qcow2Driver, { size: '2P' });
  expect(Object.keys(alternatives.preallocation ?? {})).toEqual(['off']);
  expect(full).toBeUndefined();
});

it('bounds the picture of a file with many tables and says that it is not all', () => {
  const { now } = forecast(qcow2Driver, { size: '1T', preallocation: 'metadata' });
  expect(now.segments.length).toBe(400);
  expect(now.complete).toBe(false);
  expect(now.parts.find(({ part }) => part === 'l2')?.count).toBe(2048);
});

it('a raw file is its data and never grows', () => {
  const report = forecast(rawDriver, { size: '1000' });
  expect([report.now.length, report.now.written, report.full]).toEqual([1024, 0, undefined]);
});
