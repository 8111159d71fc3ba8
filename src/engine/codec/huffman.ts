/** Prefix codes for deflate: lengths of at most so many bits from frequencies, and the codes as they are written. */

/** Room for the symbols of the largest alphabet. */
const MOST = 288;

const keys = new Uint32Array(MOST);
const work = new Uint32Array(MOST);
const counts = new Uint32Array(33);
const next = new Uint32Array(33);

/**
 * Lengths of an optimal code for `work[0, n)`, weights in ascending order, in place (Moffat and Katajainen): the
 * lightest gets the longest.
 */
function lengthsInPlace(n: number): void {
  let leaf = 0;
  let root = 0;
  for (let node = 0; node < n - 1; node++) {
    let sum = 0;
    for (let twice = 0; twice < 2; twice++) {
      if (leaf >= n || (root < node && (work[root] as number) < (work[leaf] as number))) {
        sum += work[root] as number;
        work[root++] = node;
      } else sum += work[leaf++] as number;
    }
    work[node] = sum;
  }
  work[n - 2] = 0;
  for (let node = n - 3; node >= 0; node--) work[node] = (work[work[node] as number] as number) + 1;
  let available = 1;
  let used = 0;
  let depth = 0;
  let inner = n - 2;
  let place = n - 1;
  while (available > 0) {
    while (inner >= 0 && work[inner] === depth) {
      used++;
      inner--;
    }
    while (available > used) {
      work[place--] = depth;
      available--;
    }
    available = 2 * used;
    depth++;
    used = 0;
  }
}

/** Makes `counts` a complete code again whose lengths are at most `limit`. */
function limitLengths(limit: number): void {
  for (let length = limit + 1; length <= 32; length++) {
    counts[limit] = (counts[limit] as number) + (counts[length] as number);
    counts[length] = 0;
  }
  let total = 0;
  for (let length = limit; length > 0; length--) total += (counts[length] as number) * 2 ** (limit - length);
  for (; total > 2 ** limit; total--) {
    // One of the longest moves up beside a shorter one, which gets a bit more.
    counts[limit] = (counts[limit] as number) - 1;
    for (let length = limit - 1; length > 0; length--) {
      if (counts[length] === 0) continue;
      counts[length] = (counts[length] as number) - 1;
      counts[length + 1] = (counts[length + 1] as number) + 2;
      break;
    }
  }
}

/** Code lengths for the symbols of `frequencies`, 0 where one does not occur. Even a single symbol gets a bit. */
export function codeLengths(frequencies: Uint32Array, limit: number, lengths: Uint8Array): void {
  lengths.fill(0);
  let n = 0;
  for (let symbol = 0; symbol < frequencies.length; symbol++) {
    const frequency = frequencies[symbol] as number;
    if (frequency > 0) keys[n++] = frequency * 512 + symbol;
  }
  if (n === 0) return;
  if (n === 1) {
    lengths[(keys[0] as number) % 512] = 1;
    return;
  }
  keys.subarray(0, n).sort();
  for (let i = 0; i < n; i++) work[i] = Math.floor((keys[i] as number) / 512);
  lengthsInPlace(n);
  counts.fill(0);
  for (let i = 0; i < n; i++) {
    const length = Math.min(32, work[i] as number);
    counts[length] = (counts[length] as number) + 1;
  }
  limitLengths(limit);
  let at = n;
  for (let length = 1; length <= limit; length++) {
    for (let left = counts[length] as number; left > 0; left--) {
      lengths[(keys[--at] as number) % 512] = length;
    }
  }
}

/** The codes that belong to `lengths`, bits reversed: deflate writes them from the highest bit. */
export function codesOf(lengths: Uint8Array, codes: Uint16Array): void {
  counts.fill(0);
  for (const length of lengths) counts[length] = (counts[length] as number) + 1;
  counts[0] = 0;
  let code = 0;
  for (let length = 1; length <= 15; length++) {
    code = (code + (counts[length - 1] as number)) << 1;
    next[length] = code;
  }
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol] as number;
    if (length === 0) continue;
    const own = next[length] as number;
    next[length] = own + 1;
    let reversed = 0;
    for (let bit = 0; bit < length; bit++) reversed |= ((own >> bit) & 1) << (length - 1 - bit);
    codes[symbol] = reversed;
  }
}
