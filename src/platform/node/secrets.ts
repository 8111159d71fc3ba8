/**
 * Secrets as `--object secret,…` defines them: an id, and bytes from the line or from a file (as QEMU's `secret`
 * object, as far as nothing else is encrypted with it). No text of an error ever holds one.
 */
import { readFileSync } from 'node:fs';
import { DiskwrightError } from '../../engine/errors.ts';
import { parseOptionItems } from '../../engine/options/option-list.ts';
import { onHost } from './host-error.ts';
import { locate } from './image-name.ts';

/** QEMU refuses longer files, too. */
const MOST_BYTES = 1024 * 1024;
const ID = /^[A-Za-z][A-Za-z0-9._-]*$/;
const KIND = /^[a-z][a-z0-9-]*$/;
const BASE64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;

const NOT_HERE: Readonly<Record<string, string>> = {
  keyid: 'a secret that is itself encrypted cannot be read',
  iv: 'a secret that is itself encrypted cannot be read',
};

function refuse(message: string, fix?: string): never {
  throw new DiskwrightError('invalid-option', message, fix === undefined ? {} : { fix });
}

/** `secret,id=…,data=…` or the same as JSON. */
function readDefinition(definition: string): { readonly kind: string; readonly values: ReadonlyMap<string, string> } {
  if (definition.startsWith('{')) return readJson(definition);
  const comma = definition.indexOf(',');
  const kind = comma < 0 ? definition : definition.slice(0, comma);
  const list = comma < 0 ? '' : definition.slice(comma + 1);
  // `id` is a name like any other here.
  const items = list === '' ? [] : parseOptionItems(list.replace(/(^|[^,](?:,,)*,)id=/, '$1 id='));
  return { kind, values: new Map(items.map(([name, value]) => [name.trim(), value])) };
}

function readJson(definition: string): ReturnType<typeof readDefinition> {
  let read: unknown;
  try {
    read = JSON.parse(definition);
  } catch {
    // What the host says of the text would show parts of it.
    refuse('--object: this is not JSON that can be read');
  }
  const entries = typeof read === 'object' && read !== null && !Array.isArray(read) ? Object.entries(read) : [];
  const values = new Map<string, string>();
  for (const [name, value] of entries) {
    if (typeof value !== 'string') refuse(`--object: ${name} is not a text`);
    values.set(name, value);
  }
  const kind = values.get('qom-type') ?? '';
  values.delete('qom-type');
  return { kind, values };
}

function bytesOf(id: string, values: ReadonlyMap<string, string>, cwd: string): Uint8Array {
  const [data, file] = [values.get('data'), values.get('file')];
  if (data !== undefined && file !== undefined) refuse(`secret "${id}": data and file exclude each other`);
  if (data !== undefined) return new Uint8Array(Buffer.from(data));
  if (file === undefined) refuse(`secret "${id}": neither data nor file says what it is`);
  const bytes = onHost(file, `read the secret "${id}"`, () => readFileSync(locate(cwd, file)));
  if (bytes.length > MOST_BYTES) refuse(`secret "${id}": ${file} is longer than 1 MiB`);
  const own = new Uint8Array(bytes);
  bytes.fill(0);
  return own;
}

function decoded(id: string, bytes: Uint8Array, format: string): Uint8Array {
  if (format === 'raw') return bytes;
  if (format !== 'base64') refuse(`secret "${id}": the format is raw or base64, not "${format}"`);
  const text = Buffer.from(bytes).toString('latin1');
  bytes.fill(0);
  if (!BASE64.test(text)) refuse(`secret "${id}": it is not base64`);
  return new Uint8Array(Buffer.from(text, 'base64'));
}

function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return !bytes.includes(0);
  } catch {
    return false;
  }
}

export class Secrets {
  readonly #byId = new Map<string, Uint8Array>();

  /** One `--object` of a line. */
  define(definition: string, cwd: string): void {
    const { kind, values } = readDefinition(definition);
    if (kind !== 'secret') {
      // What stands there in its place may be a passphrase.
      const type = KIND.test(kind) ? ` ${kind}` : ' of this type';
      refuse(`--object${type} is not available: secrets are the only objects here`, 'Write secret,id=…,file=….');
    }
    for (const name of values.keys()) {
      if (['id', 'data', 'file', 'format'].includes(name)) continue;
      const why = NOT_HERE[name];
      if (why !== undefined) refuse(`--object secret with ${name}: ${why}`);
      // The name itself may be what follows the comma of a passphrase.
      refuse('--object secret takes id, data, file and format, nothing else', 'Write a comma in a passphrase twice.');
    }
    const id = values.get('id');
    if (id === undefined) refuse('--object secret: the id is missing', 'Write secret,id=sec0,file=….');
    if (!ID.test(id)) refuse('--object secret: an id is letters, digits, "-", "." and "_", and begins with a letter');
    if (this.#byId.has(id)) refuse(`there are two secrets "${id}"`);
    const bytes = decoded(id, bytesOf(id, values, cwd), values.get('format') ?? 'raw');
    if (!isText(bytes)) {
      bytes.fill(0);
      refuse(`secret "${id}": it is not text (UTF-8 without zero bytes), and QEMU takes nothing else`);
    }
    this.put(id, bytes);
  }

  /** Keeps the very bytes: they are cleared with the others. */
  put(id: string, bytes: Uint8Array): void {
    this.#byId.set(id, bytes);
  }

  /** The bytes themselves: not to be changed. */
  get(id: string): Uint8Array {
    const bytes = this.#byId.get(id);
    if (bytes) return bytes;
    throw new DiskwrightError('passphrase', `there is no secret "${id}"`, {
      fix: `Define it: --object secret,id=${id},file=….`,
    });
  }

  clear(): void {
    for (const bytes of this.#byId.values()) bytes.fill(0);
    this.#byId.clear();
  }
}
