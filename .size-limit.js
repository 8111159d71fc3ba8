/**
 * Size budget of the page, gzip. What counts is what index.html makes a browser fetch before the form is usable;
 * the engine's worker and its chunks are counted apart, and so is what only looking inside an image,
 * changing or converting it loads, and what the page itself fetches when it is wanted.
 */
import { readdirSync, readFileSync } from 'node:fs';

const html = readFileSync('dist/page/index.html', 'utf8');
const first = [...html.matchAll(/(?:src|href)="(?:\.?\/)?([^"]+\.(?:js|css))"/g)].map((match) => match[1] ?? '');
if (first.length === 0) throw new Error('dist/page/index.html names no script: the budget would measure nothing');

const files = (folder) =>
  readdirSync(folder, { recursive: true })
    .map((name) => `${name}`)
    .filter((name) => name.endsWith('.js'));
const later = files('dist/page').filter((name) => !first.includes(name));
const isEditor = (name) => /\beditor-[\w-]+\.js$/.test(name);
const isOpen = (name) => /\b(?:open-page|inspector|answer|explorer)-[\w-]+\.js$/.test(name);
const isChange = (name) => /\b(?:change-place|changer)-[\w-]+\.js$/.test(name);
const isConvert = (name) =>
  /\b(?:convert-page|converter|conversions|packer|pack-units|read-ahead)-[\w-]+\.js$/.test(name);
const isCrypto = (name) => /\bunlock-[\w-]+\.js$/.test(name);
const isWorker = (name) => /\bworker\/|download-sw/.test(name);
const others = later.filter((name) => ![isEditor, isOpen, isChange, isConvert, isCrypto].some((is) => is(name)));
const rest = others.filter(isWorker);
const shared = others.filter((name) => !isWorker(name));
const convert = later.filter(isConvert);
const crypto = later.filter(isCrypto);
const editors = later.filter((name) => isEditor(name) || isChange(name));
const open = later.filter(isOpen);
if (editors.length === 0) throw new Error('dist/page has no editor: the budget would count it with the workers');
if (crypto.length !== 1) throw new Error(`of the one script of encryption dist/page has ${crypto.length}: ${crypto}`);
if (convert.length !== 6)
  throw new Error(`of the six scripts of Convert dist/page has ${convert.length}: ${convert.join(', ')}`);
if (open.length !== 4) throw new Error(`of the four scripts of Open dist/page has ${open.length}: ${open.join(', ')}`);

export default [
  {
    name: 'page, before the form is usable',
    path: first.map((name) => `dist/page/${name}`),
    gzip: true,
    limit: '120 kB',
  },
  { name: 'workers and what they load', path: rest.map((name) => `dist/page/${name}`), gzip: true, limit: '80 kB' },
  {
    name: 'help, finished page and what several places share',
    path: shared.map((name) => `dist/page/${name}`),
    gzip: true,
    limit: '40 kB',
  },
  {
    name: 'what looking inside an image loads',
    path: open.map((name) => `dist/page/${name}`),
    gzip: true,
    limit: '60 kB',
  },
  {
    name: 'what changing an image loads',
    path: editors.map((name) => `dist/page/${name}`),
    gzip: true,
    limit: '60 kB',
  },
  {
    name: 'what converting images loads',
    path: convert.map((name) => `dist/page/${name}`),
    gzip: true,
    limit: '50 kB',
  },
  {
    name: 'what an encrypted disk loads',
    path: crypto.map((name) => `dist/page/${name}`),
    gzip: true,
    limit: '15 kB',
  },
];
