// Writes test/data/fixtures/footer-javascript.arrow: a file of apache-arrow, which puts no schema message at its beginning.
import { writeFileSync } from 'node:fs';
import { tableFromArrays, tableToIPC } from 'apache-arrow';

const table = tableFromArrays({ text: ['one', '两行', 'three'], n: Int32Array.of(1, 2, 3) });
writeFileSync(new URL('../../test/data/fixtures/footer-javascript.arrow', import.meta.url), tableToIPC(table, 'file'));
