// Worker threads by the URL of their module, whether mossctl runs compiled (dist/*.js) or, in tests, from its sources.
import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts `module`, written as `new URL('./name.js', import.meta.url)`. From sources (tsx) the file is `./name.ts`, and the
 * new thread must learn to read TypeScript first: Node 20 does not hand its module hooks on to threads.
 */
export function startWorker(module: URL, options: WorkerOptions = {}): Worker {
  if (import.meta.url.endsWith('.js')) return new Worker(module, options);
  const source = JSON.stringify(module.href.replace(/\.js$/, '.ts'));
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const code = `import(${loader}).then(({ register }) => { register(); return import(${source}); })`;
  return new Worker(code, { ...options, eval: true });
}
