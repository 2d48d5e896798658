// The files that TensorBoard reads: records of `Event` messages, each with its length and a checksum of either (TFRecord), the
// messages in protobuf's wire form (tensorflow/core/util/event.proto, summary.proto), of which only the few fields that
// curves and texts have.

/** A point of a curve, or a text in Markdown, at a step. */
export type LoggedValue = { tag: string } & ({ scalar: number } | { text: string });

/** `start`: what earlier files say of this step and of later ones does not count. */
export type LoggedContent = { version: true } | { start: number } | { step: number; values: readonly LoggedValue[] };

/** @param wallTime seconds since 1970. */
export function eventRecord(wallTime: number, content: LoggedContent): Buffer {
  const fields = [doubleField(1, wallTime)];
  if ('version' in content) fields.push(textField(3, 'brain.Event:2'));
  else if ('start' in content) fields.push(varintField(2, content.start), bytesField(7, varintField(1, sessionStart)));
  else fields.push(varintField(2, content.step), bytesField(5, Buffer.concat(content.values.map(valueField))));
  return recordOf(Buffer.concat(fields));
}

const sessionStart = 1;
const textDtype = 7;
const tensorClass = 2;

/** A text is a tensor of one string, and its plugin's name says how it is shown. */
function valueField(value: LoggedValue): Buffer {
  const tag = textField(1, value.tag);
  if ('scalar' in value) return bytesField(1, Buffer.concat([tag, floatField(2, value.scalar)]));
  const tensor = Buffer.concat([varintField(1, textDtype), bytesField(2, Buffer.alloc(0)), textField(8, value.text)]);
  const metadata = Buffer.concat([bytesField(1, textField(1, 'text')), varintField(4, tensorClass)]);
  return bytesField(1, Buffer.concat([tag, bytesField(8, tensor), bytesField(9, metadata)]));
}

// Protobuf's wire form: a key of field number and kind, then the value.
const [varintKind, doubleKind, bytesKind, floatKind] = [0, 1, 2, 5];

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

function key(field: number, kind: number): number[] {
  return varint(field * 8 + kind);
}

function varintField(field: number, value: number): Buffer {
  return Buffer.from([...key(field, varintKind), ...varint(value)]);
}

function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([Buffer.from(key(field, doubleKind)), bytes]);
}

function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([Buffer.from(key(field, floatKind)), bytes]);
}

function bytesField(field: number, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([...key(field, bytesKind), ...varint(value.length)]), value]);
}

function textField(field: number, value: string): Buffer {
  return bytesField(field, Buffer.from(value));
}

/** Length (uint64) and its checksum, the data and its checksum; all little-endian. */
export function recordOf(data: Uint8Array): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(data.length, 0); // its upper half stays 0
  head.writeUInt32LE(maskedCrc(head.subarray(0, 8)), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(maskedCrc(data));
  return Buffer.concat([head, data, tail]);
}

/** The data of each whole record, up to the first that is torn or damaged. */
export function* recordsIn(file: Buffer): Generator<Buffer> {
  for (let at = 0; at + 16 <= file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    const end = at + 12 + length;
    if (file.readUInt32LE(at + 8) !== maskedCrc(file.subarray(at, at + 8)) || end + 4 > file.length) return;
    const data = file.subarray(at + 12, end);
    if (file.readUInt32LE(end) !== maskedCrc(data)) return;
    yield data;
    at = end + 4;
  }
}

/** What a record of ours says, without the values: its step, whether it starts anew there, and its tags. */
export function readEvent(data: Buffer): { step: number; isStart: boolean; tags: string[] } {
  const event = { step: 0, isStart: false, tags: [] as string[] };
  for (const { field, value } of fieldsOf(data)) {
    if (field === 2 && typeof value === 'number') event.step = value;
    if (field === 7) event.isStart = true;
    if (field !== 5 || typeof value === 'number') continue;
    for (const summary of fieldsOf(value)) {
      if (typeof summary.value === 'number') continue;
      const tag = [...fieldsOf(summary.value)].find((one) => one.field === 1)?.value;
      if (tag !== undefined && typeof tag !== 'number') event.tags.push(tag.toString('utf8'));
    }
  }
  return event;
}

/** Numbers of fixed width are given as their bytes. */
function* fieldsOf(data: Buffer): Generator<{ field: number; value: number | Buffer }> {
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let scale = 1; at < data.length; scale *= 128) {
      const byte = data[at++];
      value += (byte % 128) * scale;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < data.length) {
    const tag = number();
    const [field, kind] = [Math.floor(tag / 8), tag % 8];
    if (kind === varintKind) {
      yield { field, value: number() };
      continue;
    }
    const length = kind === bytesKind ? number() : kind === doubleKind ? 8 : 4;
    yield { field, value: data.subarray(at, at + length) };
    at += length;
  }
}

/** CRC-32C (Castagnoli), reflected. */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** Rotated and shifted, so that a checksum of data that holds checksums says something. */
function maskedCrc(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
