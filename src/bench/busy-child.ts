// Keeps a core busy until its parent is gone or ends it, for neighbour.ts. The event loop turns now and then, or it would
// not notice.
process.once('message', () => {
  process.send?.('busy');
  spin();
});

function spin(): void {
  const ends = performance.now() + 20;
  while (performance.now() < ends);
  if (process.connected) setImmediate(spin);
}
