// Commands one after another in one process, which has loaded the program once. Each begins as a process of its own would: with
// its words, its folder and its environment. Given: the URL of src/cli/command-line.
const { runCommandLine } = await import(process.argv[2]);

let printed = '';
for (const stream of [process.stdout, process.stderr]) {
  stream.write = (text, encoding, done) => {
    printed += text;
    const callback = typeof encoding === 'function' ? encoding : done;
    if (callback) setImmediate(callback);
    return true;
  };
}

process.on('message', async ({ words, folder, env }) => {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(folder);
  process.argv.splice(2, process.argv.length, ...words);
  process.exitCode = undefined;
  printed = '';
  const code = await runCommandLine(words);
  process.send({ code, printed });
});
process.on('disconnect', () => process.exit());
// A command gives the channel back when it is done, which would end a process that has nothing else to wait for.
setInterval(() => undefined, 1 << 30);
