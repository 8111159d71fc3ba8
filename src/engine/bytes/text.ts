/** UTF-8 for names inside images; the engine has no TextEncoder (no DOM, no Node types). */

export function encodeUtf8(text: string): Uint8Array {
  const out: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) out.push(code);
    else if (code < 0x800) out.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x10000) out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else out.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
  }
  return Uint8Array.from(out);
}

/** Latin-1 view of bytes, for magics and ASCII fields. */
export function asciiText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** UTF-8 bytes as text; what is not UTF-8 becomes one U+FFFD per byte. */
export function decodeUtf8(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] ?? 0;
    const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    let code = length <= 1 ? lead : lead & (0x7f >> length);
    let good = length > 0 && at + length <= bytes.length;
    for (let i = 1; good && i < length; i++) {
      const next = bytes[at + i] ?? 0;
      good = (next & 0xc0) === 0x80;
      code = code * 64 + (next & 0x3f);
    }
    // Overlong forms and surrogates would not come back as the bytes they were.
    good &&= !(length === 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000)));
    good &&= !(length === 4 && (code < 0x10000 || code > 0x10ffff));
    text += good ? String.fromCodePoint(code) : '\ufffd';
    at += good ? length : 1;
  }
  return text;
}

/** UTF-8 text that ends at the first NUL or fills the bytes. */
export function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decodeUtf8(end < 0 ? bytes : bytes.subarray(0, end));
}
