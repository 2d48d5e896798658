// A process that locks the folder of its argument, says so after its first sign of life, and then keeps its main thread busy.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockDirectory } from '../../src/pipeline/lock.js';

const directory = process.argv[2];
await lockDirectory(directory, { beatMilliseconds: 50 });
const text = (): string => readFileSync(join(directory, '.lock'), 'utf8');
const first = text();
while (text() === first) await sleep(10);
console.log(`held by ${process.pid}`);
setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000), 100);
