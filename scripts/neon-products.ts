// Fused products of four floats (fmla v.4s) in arm64 machine code. Every instruction is one word of four bytes, so no
// disassembler is needed: a word is one if its fixed bits are (Arm ARM, C7.2: FMLA vector, and by element).

const isProduct = (word: number): boolean =>
  (word & 0xffe0fc00) >>> 0 === 0x4e20cc00 || (word & 0xffc0f400) >>> 0 === 0x4f801000;

/** How many there are in the file, and how many in the densest run of `size` words. */
export function densestProducts(bytes: Buffer, size = 32): { total: number; densest: number } {
  const words = Math.floor(bytes.length / 4);
  let [total, within, densest] = [0, 0, 0];
  for (let i = 0; i < words; i++) {
    if (isProduct(bytes.readUInt32LE(4 * i))) {
      total++;
      within++;
    }
    if (i >= size && isProduct(bytes.readUInt32LE(4 * (i - size)))) within--;
    densest = Math.max(densest, within);
  }
  return { total, densest };
}
