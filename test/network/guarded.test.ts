// Which addresses are private, and that none of them is asked: whatever the name, the notation or a redirect says.
import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { type GuardedRequest, isPrivate, requestGuarded } from '../../src/network/guarded.js';

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close().closeAllConnections();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ask = (url: string, more: Partial<GuardedRequest> = {}) =>
  requestGuarded({
    url,
    method: 'GET',
    headers: {},
    allow: [],
    maxBytes: 1000,
    signal: AbortSignal.timeout(5000),
    ...more,
  });
const refusal = (url: string, more: Partial<GuardedRequest> = {}) =>
  ask(url, more).then(
    ({ status }) => String(status),
    (error: Error) => error.message,
  );

test('private, loopback, link-local and special addresses are told from public ones', () => {
  const refused =
    '0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 192.168.1.1 198.18.0.1 224.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::a00:1 2002:a00:1:: fc00::1 fd12::1 fe80::1 fe80::1%eth0 ff02::1 nonsense';
  assert.deepEqual(
    refused.split(' ').filter((address) => !isPrivate(address)),
    [],
  );
  const open = '1.1.1.1 8.8.8.8 172.15.0.1 172.32.0.1 192.167.1.1 100.63.0.1 2606:4700:4700::1111 ::ffff:8.8.8.8';
  assert.deepEqual(open.split(' ').filter(isPrivate), []);
});

test('a host that is not listed is asked by https alone, and never at a private address', async () => {
  let asked = 0;
  const host = await serve((_, response) => {
    asked++;
    response.end('hello');
  });
  const port = host.split(':')[1];
  for (const place of [
    host,
    `2130706433:${port}`,
    `0x7f.1:${port}`,
    `[::ffff:127.0.0.1]:${port}`,
    `localhost:${port}`,
  ]) {
    assert.match(await refusal(`https://${place}/`), /private, and not listed under allow/, place);
  }
  assert.match(await refusal(`http://${host}/`), /only https is asked/);
  assert.match(await refusal(`https://me:pw@${host}/`), /password/);
  assert.match(await refusal('file:///etc/passwd', { allow: [''] }), /only http and https/);
  assert.match(await refusal(`http://${host}/`, { allow: ['127.0.0.1:1'] }), /only https/);
  assert.equal(asked, 0);
  assert.equal(String((await ask(`http://${host}/`, { allow: [host] })).body), 'hello');
  assert.equal(asked, 1);
});

test('redirects lead only where the rule allows, without the headers; answers end at the limit', async () => {
  const secret: (string | undefined)[] = [];
  const other = await serve((request, response) => {
    secret.push(request.headers['x-key'] as string | undefined);
    response.end('other');
  });
  const home = await serve((request, response) => {
    const path = request.url ?? '/';
    if (path === '/endless') {
      const more = (): void =>
        void (response.write('x'.repeat(4096)) ? setImmediate(more) : response.once('drain', more));
      return more();
    }
    if (path === '/half') {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
      return;
    }
    const to = {
      '/other': `http://${other}/`,
      '/file': 'file:///etc/passwd',
      '/loop': '/loop',
      '/meta': 'http://169.254.169.254/',
    }[path];
    response.writeHead(302, { location: to ?? '/' }).end();
  });
  const allow = [home, other];
  const headers = { 'x-key': 'k' };
  assert.equal((await ask(`http://${home}/other`, { allow, headers })).status, 200);
  assert.deepEqual(secret, [undefined]);
  assert.match(await refusal(`http://${home}/other`, { allow: [home] }), /redirects to another place: only https/);
  assert.match(await refusal(`http://${home}/meta`, { allow }), /redirects to another place/);
  assert.match(await refusal(`http://${home}/file`, { allow }), /redirects to another place/);
  assert.match(await refusal(`http://${home}/loop`, { allow }), /more than 5 times/);
  assert.match(await refusal(`http://${home}/other`, { allow, method: 'POST', body: '{}' }), /nothing is sent on/);
  assert.equal(await refusal(`http://${home}/half`, { allow }), 'it ended the connection');
  assert.equal((await ask(`http://${home}/endless`, { allow })).body.length, 1000);
});
