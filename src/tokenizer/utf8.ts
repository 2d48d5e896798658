// Where bytes are UTF-8 and where they are not.

export interface Utf8Part {
  valid: boolean;
  bytes: Uint8Array;
}

/** Cuts bytes into the longest stretches that are valid UTF-8 and the stretches between them. */
export function* splitUtf8(bytes: Uint8Array): Generator<Utf8Part> {
  let start = 0;
  let valid = true;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length > 0 !== valid) {
      if (at > start) yield { valid, bytes: bytes.subarray(start, at) };
      start = at;
      valid = length > 0;
    }
    at += Math.max(1, length);
  }
  if (bytes.length > start) yield { valid, bytes: bytes.subarray(start) };
}

/** Length of the well-formed sequence at `at` (Unicode's table 3-7), or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at];
  if (lead < 0x80) return 1;
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (bytes[at + 1] < low || bytes[at + 1] > high) return 0;
  for (let i = 2; i < length; i++) if ((bytes[at + i] & 0xc0) !== 0x80) return 0;
  return length;
}
