// Bundles src/page into dist/page: index.html, app.js, app.css, icon.svg and the licences of what is in the bundle. Nothing in
// it is fetched from elsewhere. Where esbuild is not installed (`npm ci --omit=dev`), dist/page stays as it is.
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const bundled = ['preact', 'uplot', 'zod'];

/** Replaces dist/page as a whole, once it is complete. @throws where the page does not compile; esbuild has said why. */
export async function buildPage(root) {
  const esbuild = await import('esbuild').catch(() => undefined);
  if (esbuild === undefined) {
    console.log('mossctl: esbuild is not installed, dist/page is left as it is');
    return;
  }
  const source = join(root, 'src/page');
  const folder = join(root, 'dist/page');
  const temporary = join(root, `dist/.page-${process.pid}`);
  mkdirSync(temporary, { recursive: true });
  try {
    await esbuild.build({
      entryPoints: [join(source, 'app.tsx'), join(source, 'app.css')],
      outdir: temporary,
      bundle: true,
      minify: true,
      format: 'esm',
      target: ['es2022', 'chrome105', 'firefox110', 'safari15.4'],
      jsx: 'automatic',
      jsxImportSource: 'preact',
      legalComments: 'none', // whole licences are in LICENSES.txt
      logLevel: 'warning',
      tsconfigRaw: {},
    });
    for (const name of ['index.html', 'icon.svg']) copyFileSync(join(source, name), join(temporary, name));
    writeFileSync(join(temporary, 'LICENSES.txt'), bundled.map((name) => licenceOf(root, name)).join('\n'));
    rmSync(folder, { recursive: true, force: true });
    renameSync(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function licenceOf(root, name) {
  const folder = join(root, 'node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}\n`;
}
