// A process of its own for `buildData`, so that its peak memory can be told: prints it, and the documents kept.
import { readDataManifest } from '../../src/data/manifest.js';
import { build } from './scratch.js';

const { path } = await build(process.argv[2], { validation: 0 });
const { total } = await readDataManifest(path);
const mebibytes = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(JSON.stringify({ mebibytes, documents: total.train.documents }));
