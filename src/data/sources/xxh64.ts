// XXH64 with seed 0, the checksum of Zstandard frames. The bulk is hashed in halves of 32 bits (500 MB/s; BigInt makes
// 20), the end of it in BigInt. Format: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md

const stripeBytes = 32;
const prime1 = 0x9e3779b185ebca87n;
const prime2 = 0xc2b2ae3d27d4eb4fn;
const prime3 = 0x165667b19e3779f9n;
const prime4 = 0x85ebca77c2b2ae63n;
const prime5 = 0x27d4eb2f165667c5n;
const [low1, high1] = halves(prime1);
const [low2, high2] = halves(prime2);

export class Xxh64 {
  /** Four lanes, as whole numbers and as halves: low, high. */
  readonly #lanes = new BigUint64Array([prime1 + prime2, prime2, 0n, -prime1]);
  readonly #halves = new Int32Array(this.#lanes.buffer);
  readonly #held = Buffer.alloc(stripeBytes);
  #heldBytes = 0;
  #length = 0;

  update(bytes: Uint8Array): void {
    this.#length += bytes.length;
    let at = 0;
    if (this.#heldBytes > 0) {
      at = Math.min(bytes.length, stripeBytes - this.#heldBytes);
      this.#held.set(bytes.subarray(0, at), this.#heldBytes);
      this.#heldBytes += at;
      if (this.#heldBytes < stripeBytes) return;
      this.#stripes(this.#held, 0);
    }
    at = this.#stripes(bytes, at);
    this.#held.set(bytes.subarray(at));
    this.#heldBytes = bytes.length - at;
  }

  /** All whole stripes from `at` on: lane = rotated(lane + input × prime2, 31) × prime1. @returns where they end. */
  #stripes(bytes: Uint8Array, at: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const lanes = this.#halves;
    let next = at;
    for (; next + stripeBytes <= bytes.length; next += stripeBytes) {
      for (let lane = 0; lane < 8; lane += 2) {
        const inputLow = view.getInt32(next + lane * 4, true);
        const inputHigh = view.getInt32(next + lane * 4 + 4, true);
        const sum = (lanes[lane] + Math.imul(inputLow, low2)) | 0;
        const carry = sum >>> 0 < lanes[lane] >>> 0 ? 1 : 0;
        const high = (lanes[lane + 1] + highProduct(inputLow, inputHigh, low2, high2) + carry) | 0;
        const turnedLow = (sum << 31) | (high >>> 1);
        const turnedHigh = (high << 31) | (sum >>> 1);
        lanes[lane] = Math.imul(turnedLow, low1);
        lanes[lane + 1] = highProduct(turnedLow, turnedHigh, low1, high1);
      }
    }
    return next;
  }

  /** The low 32 bits of the hash of all that came. */
  low32(): number {
    const held = this.#held.subarray(0, this.#heldBytes);
    let hash = (this.#length < stripeBytes ? prime5 : this.#converged()) + BigInt(this.#length);
    let at = 0;
    for (; at + 8 <= held.length; at += 8) {
      hash = rotated(hash ^ round(held.readBigUInt64LE(at)), 27n) * prime1 + prime4;
    }
    if (at + 4 <= held.length) {
      hash = rotated(hash ^ (BigInt(held.readUInt32LE(at)) * prime1), 23n) * prime2 + prime3;
      at += 4;
    }
    for (; at < held.length; at++) hash = rotated(hash ^ (BigInt(held[at]) * prime5), 11n) * prime1;
    hash = BigInt.asUintN(64, hash);
    hash = BigInt.asUintN(64, (hash ^ (hash >> 33n)) * prime2);
    hash = BigInt.asUintN(64, (hash ^ (hash >> 29n)) * prime3);
    return Number(BigInt.asUintN(32, hash ^ (hash >> 32n)));
  }

  #converged(): bigint {
    const [a, b, c, d] = this.#lanes;
    const hash = rotated(a, 1n) + rotated(b, 7n) + rotated(c, 12n) + rotated(d, 18n);
    return this.#lanes.reduce((sum, lane) => BigInt.asUintN(64, (sum ^ round(lane)) * prime1 + prime4), hash);
  }
}

/** The upper half of the 64 bits of a product. */
function highProduct(low: number, high: number, constantLow: number, constantHigh: number): number {
  const constant0 = constantLow & 0xffff;
  const constant1 = constantLow >>> 16;
  const first = Math.imul(low & 0xffff, constant1);
  const second = Math.imul(low >>> 16, constant0);
  const middle = (Math.imul(low & 0xffff, constant0) >>> 16) + (first & 0xffff) + (second & 0xffff);
  const carried = Math.imul(low >>> 16, constant1) + (first >>> 16) + (second >>> 16) + (middle >>> 16);
  return (carried + Math.imul(low, constantHigh) + Math.imul(high, constantLow)) | 0;
}

function round(input: bigint): bigint {
  return rotated(input * prime2, 31n) * prime1;
}

function rotated(value: bigint, bits: bigint): bigint {
  const word = BigInt.asUintN(64, value);
  return BigInt.asUintN(64, (word << bits) | (word >> (64n - bits)));
}

function halves(value: bigint): [number, number] {
  return [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
}
