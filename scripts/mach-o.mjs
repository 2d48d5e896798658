// The little of a Mach-O file that a build looks at: whether it is signed. macOS loads nothing unsigned on arm64, and a
// linker elsewhere may or may not sign.
const magic64 = 0xfeedfacf;
const codeSignature = 0x1d;
const headerBytes = 32;

/** Whether a Mach-O file of 64 bits has an LC_CODE_SIGNATURE that lies inside the file. */
export function isSigned(bytes) {
  if (bytes.length < headerBytes || bytes.readUInt32LE(0) !== magic64) return false;
  let at = headerBytes;
  for (let left = bytes.readUInt32LE(16); left > 0 && at + 16 <= bytes.length; left--) {
    const size = bytes.readUInt32LE(at + 4);
    if (bytes.readUInt32LE(at) === codeSignature) {
      const length = bytes.readUInt32LE(at + 12);
      return length > 0 && bytes.readUInt32LE(at + 8) + length <= bytes.length;
    }
    at += Math.max(8, size);
  }
  return false;
}
