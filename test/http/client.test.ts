// tsyringe, which @peculiar/x509 is built on, wants it first.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as x509 from '@peculiar/x509';
import { ServiceError } from '../../src/errors.js';
import { createHttpClient, FetchError, type HttpClientOptions, type Lookup } from '../../src/http/client.js';
import { isAllowedAddress, parseTarget } from '../../src/http/client-addresses.js';

const instant = new Date('2026-11-21T09:00:00Z');
const opened: { close(): unknown }[] = [];

function client(options: Partial<HttpClientOptions> = {}) {
  const created = createHttpClient({
    loopback: true,
    now: () => instant,
    negativeCacheMilliseconds: 0,
    policies: { did: { deadlineMilliseconds: 1200 } },
    ...options,
  });
  opened.push(created);
  return created;
}

async function listen(handler: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createHttpServer(handler);
  return listening(server);
}

async function listening(server: Server) {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push({
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return { port: (server.address() as AddressInfo).port, connections: () => sockets.size };
}

async function reasonOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof FetchError) return error.reason;
    throw error;
  }
  return 'none';
}

const json =
  (body: string, headers: Record<string, string> = {}) =>
  (_request: unknown, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };

afterEach(async () => {
  await Promise.all(opened.splice(0).map((thing) => thing.close()));
});

describe('a document that is as expected', () => {
  test('comes with its type, ETag and lifetime, and is asked for without compression', async () => {
    let seen: IncomingMessage['headers'] = {};
    const { port } = await listen((request, response) => {
      seen = request.headers;
      json('{"a":1}', { etag: '"x"', 'cache-control': 'public, max-age=300', date: 'Sat, 21 Nov 2026 09:00:00 GMT' })(
        request,
        response,
      );
    });
    const result = await client().forPurpose('did')(`http://localhost:${port}/did.json`);
    expect(result).toEqual({
      status: 200,
      body: Buffer.from('{"a":1}'),
      contentType: 'application/json',
      etag: '"x"',
      maxAgeSeconds: 300,
      date: instant,
    });
    expect(seen['accept-encoding']).toBe('identity');
    expect(seen.accept).toContain('application/did+json');
  });

  test('may be unchanged, but only for a caller who asked so', async () => {
    const { port } = await listen((request, response) => {
      response.writeHead(304, { etag: '"x"' }).end();
      void request;
    });
    const fetch = client().forPurpose('status');
    expect((await fetch(`http://127.0.0.1:${port}/list`, { ifNoneMatch: '"x"' })).status).toBe(304);
    expect(await reasonOf(fetch(`http://127.0.0.1:${port}/list`))).toBe('redirect');
  });
});

describe('an answer that is not as expected', () => {
  const cases: [string, string, (request: IncomingMessage, response: ServerResponse) => void][] = [
    ['redirect', 'a redirect', (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['status', 'a server error', (_, response) => response.writeHead(500).end('boom')],
    ['status', 'a 206', (_, response) => response.writeHead(206, { 'content-type': 'application/json' }).end('{')],
    ['media_type', 'HTML', (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>')],
    ['media_type', 'no type', (_, response) => response.writeHead(200).end('{}')],
    ['encoding', 'gzip', json(gzipSync('{}').toString('latin1'), { 'content-encoding': 'gzip' })],
    ['too_large', 'a declared length above the cap', json('x'.repeat(70_000), { 'content-length': '70000' })],
    ['too_large', 'a 40 kB header', json('{}', { 'x-large': 'x'.repeat(40_000) })],
    ['timeout', 'no headers at all', () => undefined],
    ['connection', 'a reset', (request) => request.socket.destroy()],
    [
      'timeout',
      'a body that drips',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const timer = setInterval(() => response.write(' '), 100);
        response.on('close', () => clearInterval(timer));
      },
    ],
    [
      'too_large',
      'a body without end',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const chunk = Buffer.alloc(64 * 1024, 0x20);
        const pump = () => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on('drain', pump);
        pump();
      },
    ],
  ];

  test.each(cases)('is refused as %s: %s', async (reason, _name, handler) => {
    const { port } = await listen(handler);
    const begun = Date.now();
    const fetch = client().forPurpose('did');
    expect(await reasonOf(fetch(`http://localhost:${port}/`))).toBe(reason);
    expect(Date.now() - begun).toBeLessThan(4000);
    const error = await fetch(`http://localhost:${port}/`).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ServiceError);
    expect((error as ServiceError).code).toBe('fetch_failed');
  });

  test('is a connection error when nobody listens', async () => {
    const { port } = await listen(() => undefined);
    await Promise.all(opened.splice(0).map((thing) => thing.close()));
    expect(await reasonOf(client().forPurpose('did')(`http://localhost:${port}/`))).toBe('connection');
  });

  test('is a TLS error when the certificate is not trusted, and none when it is', async () => {
    const { certificate, key } = await selfSigned();
    const server = createHttpsServer({ cert: certificate, key }, json('{"a":1}'));
    const { port } = await listening(server);
    const url = `https://localhost:${port}/`;
    expect(await reasonOf(client().forPurpose('did')(url))).toBe('tls');
    expect((await client({ ca: certificate }).forPurpose('did')(url)).status).toBe(200);
    expect(await reasonOf(client({ ca: certificate }).forPurpose('did')(`https://other.localhost:${port}/`))).toBe(
      'tls',
    );
  });
});

async function selfSigned(name = 'localhost'): Promise<{ certificate: string; key: string }> {
  x509.cryptoProvider.set(webcrypto as never);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys: keys as never,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    certificate: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----`,
  };
}

describe('a private network', () => {
  /** A host that only this machine knows, as /etc/hosts would name it. */
  const host = 'passport.trust.example';
  const lookup: Lookup = async () => [{ address: '127.0.0.1', family: 4 }];

  test('has hosts that the operator names, with certificates of its own authority', async () => {
    const { certificate, key } = await selfSigned(host);
    const folder = mkdtempSync(join(tmpdir(), 'staff-passport-network-'));
    opened.push({ close: () => rmSync(folder, { recursive: true }) });
    const file = join(folder, 'authorities.pem');
    writeFileSync(file, certificate);
    const { port } = await listening(createHttpsServer({ cert: certificate, key }, json('{"a":1}')));
    const policies = { did: { ports: 'any' as const, deadlineMilliseconds: 1200 } };
    const ask = (network: HttpClientOptions['network'] & object, name = host) =>
      client({ loopback: false, lookup, policies, network }).forPurpose('did')(`https://${name}:${port}/did.json`);
    expect((await ask({ certificateAuthoritiesFile: file, privateHosts: [host] })).status).toBe(200);
    expect(await reasonOf(ask({ privateHosts: [host] }))).toBe('tls');
    expect(await reasonOf(ask({ certificateAuthoritiesFile: file }))).toBe('address');
    const named = { certificateAuthoritiesFile: file, privateHosts: [host] };
    expect(await reasonOf(ask(named, 'other.trust.example'))).toBe('address');
    expect(await reasonOf(ask(named, `www.${host}`))).toBe('address');
    expect(await reasonOf(client({ loopback: false, network: named }).forPurpose('did')(`http://${host}/`))).toBe(
      'scheme',
    );
  });

  test('is not where a cloud keeps its secrets, nor a group of machines', () => {
    const outside = [
      '169.254.169.254',
      '168.63.129.16',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
      'fe80::1',
      '::',
      'ff02::1',
    ];
    expect(outside.filter((address) => isAllowedAddress(address, 'private'))).toEqual([]);
    const inside = ['10.1.2.3', '172.16.0.1', '192.168.1.1', '127.0.0.1', '8.8.8.8', 'fd00::1', '2606:4700:4700::1111'];
    expect(inside.filter((address) => !isAllowedAddress(address, 'private'))).toEqual([]);
  });

  test('whose authorities cannot be read is a fault of the configuration', () => {
    for (const certificateAuthoritiesFile of ['/nowhere/authorities.pem', '/etc/hostname']) {
      const make = () => client({ network: { certificateAuthoritiesFile } });
      expect(make).toThrow(expect.objectContaining({ code: 'configuration' }));
    }
  });
});

describe('a conversation', () => {
  test('sends what it is told to and hears of every status', async () => {
    const { port } = await listen((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const heard = { method: request.method, body: Buffer.concat(parts).toString(), headers: request.headers };
        response.writeHead(400, { 'content-type': 'application/json; charset=utf-8', 'www-authenticate': 'DPoP' });
        response.end(JSON.stringify(heard));
      });
    });
    const exchange = client().exchangeFor('sign-in');
    const headers = {
      'Content-Type': 'application/x-www-form-urlencoded',
      'Accept-Encoding': 'gzip',
      authorization: 'Basic x',
    };
    const answer = await exchange({ method: 'POST', url: `http://localhost:${port}/token`, headers, body: 'a=b' });
    expect(answer).toMatchObject({ status: 400, contentType: 'application/json' });
    expect(answer.headers['www-authenticate']).toBe('DPoP');
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      method: 'POST',
      body: 'a=b',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'accept-encoding': 'identity',
        authorization: 'Basic x',
      },
    });
  });

  test('is as guarded as any other request', async () => {
    const post = (url: string, options: Partial<HttpClientOptions>) =>
      reasonOf(client(options).exchangeFor('wallet')({ method: 'POST', url, body: '{}' }));
    const lookup: Lookup = async () => [{ address: '10.0.0.1', family: 4 }];
    const outside = (url: string) => post(url, { loopback: false, lookup });
    expect(await outside('http://trust.example/token')).toBe('scheme');
    expect(await outside('https://10.0.0.1/token')).toBe('host');
    expect(await outside('https://trust.example:8443/token')).toBe('address');
    const here = ({ port }: { port: number }) => post(`http://localhost:${port}/`, {});
    expect(await here(await listen((_, response) => response.writeHead(307, { location: '/' }).end()))).toBe(
      'redirect',
    );
    const compressed = json(gzipSync('{}').toString('latin1'), { 'content-encoding': 'gzip' });
    expect(await here(await listen(compressed))).toBe('encoding');
    expect(await here(await listen(json('x'.repeat(4 * 1024 * 1024 + 1))))).toBe('too_large');
    const slow = await listen(() => undefined);
    const policies = { wallet: { deadlineMilliseconds: 100 } };
    expect(await post(`http://localhost:${slow.port}/`, { policies })).toBe('timeout');
  });
});

describe('addresses that must never be asked', () => {
  const hostile = [
    'http://trusted.nhs.uk/',
    'ftp://trusted.nhs.uk/',
    'file:///etc/passwd',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://0/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[::7f00:1]/',
    'https://[fe80::1%25eth0]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://localhost/',
    'https://localhost./',
    'https://intern/',
    'https://trusted.nhs.uk./',
    'https://trusted.nhs.uk@attacker.example/',
    'https://user:password@trusted.nhs.uk/',
    'https://trusted.nhs.uk%40attacker.example/',
    'https://trusted.nhs.uk\\@attacker.example/',
    'https://trusted.nhs.uk\\..\\..',
    'https:trusted.nhs.uk/',
    'https:///trusted.nhs.uk/',
    'https://trusted.nhs.uk/#fragment',
    'https://trusted.nhs.uk/ space',
    'https://trusted.nhs.uk/\r\nHost: attacker.example',
    'https://trusted.nhs.uk\t/',
    'https://tru\u00ADsted.nhs.uk/',
    'https://\uFF11\uFF12\uFF17.0.0.1/',
    'https://①②⑦.0.0.1/',
    'https://trusted.nhs.uk:22/',
    'https://trusted.nhs.uk:0443/',
    'https://trusted.nhs.uk:99999/',
    'https://trusted.nhs.uk:/',
    'https://-bad.nhs.uk/',
    'https://a..b.uk/',
    `https://${'a'.repeat(64)}.uk/`,
    `https://trusted.nhs.uk/${'a'.repeat(3000)}`,
    '',
    'https://',
  ];

  test('never leave the process, whatever their spelling', async () => {
    let lookups = 0;
    const lookup: Lookup = async () => {
      lookups += 1;
      return [{ address: '127.0.0.1', family: 4 }];
    };
    const fetch = client({ loopback: false, lookup }).forPurpose('did');
    for (const url of hostile) {
      const error = await fetch(url).catch((thrown: unknown) => thrown);
      expect([url, error instanceof FetchError && error.code]).toEqual([url, 'fetch_refused']);
    }
    expect(lookups).toBe(0);
    // The list above refuses everything, so one good address shows that the parser can say yes.
    expect(await reasonOf(fetch('https://trusted.nhs.uk/.well-known/did.json?v=1'))).toBe('address');
    expect(lookups).toBe(1);
  });

  test('are outside this machine under the development switch', async () => {
    const fetch = client().forPurpose('did');
    for (const url of [
      'https://trusted.nhs.uk/',
      'http://10.0.0.1/',
      'http://0.0.0.0:80/',
      'http://127.1/',
      'http://[::ffff:127.0.0.1]/',
    ]) {
      expect([url, await reasonOf(fetch(url))]).toEqual([url, 'host']);
    }
    expect(parseTarget('http://[::1]:8080/x', { reach: 'loopback', ports: [] }).address).toBe('::1');
    expect(parseTarget('http://rxa.localhost:8080/x', { reach: 'loopback', ports: [] }).hostname).toBe('rxa.localhost');
  });

  test('are told apart by the registries of special-purpose addresses', () => {
    const refused = [
      '0.0.0.0',
      '10.1.2.3',
      '100.64.0.1',
      '127.0.0.1',
      '168.63.129.16',
      '169.254.169.254',
      '172.16.0.1',
      '192.0.2.1',
    ];
    const refusedToo = [
      '192.168.1.1',
      '198.18.0.1',
      '203.0.113.9',
      '224.0.0.1',
      '255.255.255.255',
      '',
      'nonsense',
      '1.2.3',
    ];
    const refusedV6 = [
      '::',
      '::1',
      '::7f00:1',
      '::ffff:8.8.8.8',
      '64:ff9b::808:808',
      'fc00::1',
      'fe80::1',
      'fe80::1%eth0',
      'ff02::1',
    ];
    const refusedV6Too = ['4000::1', '2001::1', '2001:db8::1', '2002:7f00:1::', '3fff::1', '2606:4700::1%1'];
    for (const address of [...refused, ...refusedToo, ...refusedV6, ...refusedV6Too]) {
      expect([address, isAllowedAddress(address, 'public')]).toEqual([address, false]);
    }
    for (const address of ['8.8.8.8', '192.0.1.1', '2606:4700:4700::1111', '2a00:1450::1']) {
      expect([address, isAllowedAddress(address, 'public')]).toEqual([address, true]);
    }
    expect(
      ['127.0.0.1', '127.9.9.9', '::1', '8.8.8.8', '10.0.0.1'].map((a) => isAllowedAddress(a, 'loopback')),
    ).toEqual([true, true, true, false, false]);
  });

  test('are refused by host when the registry does not know the host', async () => {
    const asked: string[] = [];
    const allowHost = (purpose: string, host: string) => {
      asked.push(`${purpose} ${host}`);
      return false;
    };
    const fetch = client({ allowHost }).forPurpose('status');
    expect(await reasonOf(fetch('http://localhost:4711/list'))).toBe('host');
    expect(asked).toEqual(['status localhost:4711']);
  });

  test('are asked at another port than 443 only where the list of hosts names it', async () => {
    const lookup: Lookup = async () => [{ address: '10.0.0.1', family: 4 }];
    const ask = (url: string, options: Partial<HttpClientOptions> = {}) =>
      reasonOf(client({ loopback: false, lookup, ...options }).forPurpose('status')(url));
    const allowHost = (_purpose: string, host: string) => host === 'trust.example:8443';
    expect(await ask('https://trust.example:8443/list')).toBe('port');
    expect(await ask('https://trust.example:8443/list', { allowHost })).toBe('address');
    expect(await ask('https://trust.example/list', { allowHost })).toBe('host');
    expect(await ask('https://trust.example:8444/list', { allowHost })).toBe('host');
  });
});

describe('the sizes that are accepted', () => {
  test('end at the byte that the policy names, told beforehand or not', async () => {
    const { port } = await listen((request, response) => {
      const length = Number(request.url?.slice(1));
      const told = length % 2 === 0 ? { 'content-length': String(length) } : {};
      response.writeHead(200, { 'content-type': 'application/json', ...told }).end(Buffer.alloc(length, 0x20));
    });
    const ask = (length: number, maxBytes: number) =>
      reasonOf(
        client({ policies: { schema: { maxBytes } } }).forPurpose('schema')(`http://localhost:${port}/${length}`),
      );
    expect([await ask(1000, 1000), await ask(1000, 999), await ask(1001, 1001), await ask(1001, 1000)]).toEqual([
      'none',
      'too_large',
      'none',
      'too_large',
    ]);
    const fetch = client().forPurpose('did');
    expect(await reasonOf(fetch(`http://localhost:${port}/65536`))).toBe('none');
    expect(await reasonOf(fetch(`http://localhost:${port}/65537`))).toBe('too_large');
  });

  test('are those of bytes as they come: whatever a coding is called, it is refused', async () => {
    for (const encoding of [
      'gzip',
      'br',
      'deflate',
      'zstd',
      'x-gzip',
      'GZIP',
      'identity, gzip',
      'gzip, identity',
      '',
    ]) {
      const { port } = await listen(json('{}', { 'content-encoding': encoding }));
      const reason = await reasonOf(client().forPurpose('status')(`http://localhost:${port}/`));
      expect([encoding, reason]).toEqual([encoding, 'encoding']);
    }
    const { port } = await listen(json('{}', { 'content-encoding': 'Identity' }));
    expect(await reasonOf(client().forPurpose('status')(`http://localhost:${port}/`))).toBe('none');
  });

  test('of an ETag and of a lifetime are bounded', async () => {
    const { port } = await listen((request, response) => {
      const etag = `"${'x'.repeat(Number(request.url?.slice(1)) - 2)}"`;
      json('{}', { etag, 'cache-control': 'max-age=9999999999' })(request, response);
    });
    const fetch = client().forPurpose('did');
    expect((await fetch(`http://localhost:${port}/256`)).etag).toHaveLength(256);
    const longer = await fetch(`http://localhost:${port}/257`);
    expect([longer.etag, longer.maxAgeSeconds]).toEqual([undefined, 31_536_000]);
  });
});

describe('what a resolver says', () => {
  test.each([
    ...[
      '::ffff:10.0.0.1',
      '::ffff:7f00:1',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '2001::7f00:1',
      'fd00::1',
    ],
    ...[
      '::',
      'fe80::1',
      'ff02::1',
      '0.0.0.0',
      '100.64.0.1',
      '169.254.169.254',
      '168.63.129.16',
      '192.168.0.1',
      '127.1',
    ],
  ])('is not believed: %s is never connected to', async (address) => {
    const lookup: Lookup = async () => [{ address, family: address.includes(':') ? 6 : 4 }];
    const fetch = client({ loopback: false, lookup }).forPurpose('did');
    expect(await reasonOf(fetch('https://rebind.example.com/'))).toBe('address');
  });

  test('is used as far as it may be: a forbidden address among good ones is left out', async () => {
    const { port, connections } = await listen(json('{}'));
    const lookup: Lookup = async () => [
      { address: '10.0.0.1', family: 4 },
      { address: '127.0.0.1', family: 4 },
      { address: '::ffff:127.0.0.1', family: 6 },
    ];
    expect(await reasonOf(client({ lookup }).forPurpose('did')(`http://rebind.localhost:${port}/`))).toBe('none');
    expect(connections()).toBe(1);
  });
});

describe('a name that changes between answers', () => {
  test('is judged for each connection', async () => {
    const { port } = await listen(json('{}', { connection: 'close' }));
    const answers = ['127.0.0.1', '10.0.0.1', '169.254.169.254'];
    const lookup: Lookup = async () => [{ address: answers.shift() ?? '10.0.0.1', family: 4 }];
    const fetch = client({ lookup }).forPurpose('did');
    expect(await reasonOf(fetch(`http://rebind.localhost:${port}/1`))).toBe('none');
    expect(await reasonOf(fetch(`http://rebind.localhost:${port}/2`))).toBe('address');
    expect(await reasonOf(fetch(`http://rebind.localhost:${port}/3`))).toBe('address');
  });

  test('is caught on the open socket before a byte is sent', async () => {
    let bytes = 0;
    let connections = 0;
    const server = createTcpServer((socket) => {
      connections += 1;
      socket.on('data', (data) => {
        bytes += data.length;
      });
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push(server);
    const { port } = server.address() as AddressInfo;
    let reads = 0;
    // Says a public address while it is judged and another while it is used.
    const shifty = {
      family: 4 as const,
      get address() {
        reads += 1;
        return reads === 1 ? '8.8.8.8' : '127.0.0.1';
      },
    };
    const lookup: Lookup = async () => [shifty];
    const fetch = client({ loopback: false, lookup, policies: { did: { ports: [port] } } }).forPurpose('did');
    expect(await reasonOf(fetch(`https://rebind.example.com:${port}/`))).toBe('address');
    expect({ connections, bytes }).toEqual({ connections: 1, bytes: 0 });
  });

  test('that does not resolve is a DNS failure', async () => {
    const none: Lookup = async () => [];
    const fails: Lookup = async () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
    for (const lookup of [none, fails]) {
      const fetch = client({ loopback: false, lookup }).forPurpose('did');
      expect(await reasonOf(fetch('https://nobody.example.com/'))).toBe('dns');
    }
  });
});

describe('many requests and failures', () => {
  test('one host gets no more than its share, the others are served meanwhile, and the queue is bounded', async () => {
    let active = 0;
    let most = 0;
    const slow = await listen((_request, response) => {
      active += 1;
      most = Math.max(most, active);
      setTimeout(() => {
        active -= 1;
        json('{}')(_request, response);
      }, 300);
    });
    const quick = await listen(json('{}'));
    const fetch = client({ gate: { perHost: 2, total: 3, queue: 4, waitMilliseconds: 5000 } }).forPurpose('registry');
    const all = Array.from({ length: 10 }, (_, n) => reasonOf(fetch(`http://localhost:${slow.port}/${n}`)));
    const begun = Date.now();
    expect(await reasonOf(fetch(`http://localhost:${quick.port}/`))).toBe('none');
    expect(Date.now() - begun).toBeLessThan(250);
    const reasons = await Promise.all(all);
    expect(reasons.filter((reason) => reason === 'queue_full')).toHaveLength(4);
    expect(reasons.filter((reason) => reason === 'none')).toHaveLength(6);
    expect(most).toBe(2);
  });

  test('waiting for a connection ends in time', async () => {
    const { port } = await listen(() => undefined);
    const fetch = client({ gate: { perHost: 1, waitMilliseconds: 100 } }).forPurpose('did');
    const first = reasonOf(fetch(`http://localhost:${port}/1`));
    expect(await reasonOf(fetch(`http://localhost:${port}/2`))).toBe('queue_full');
    expect(await first).toBe('timeout');
  });

  test('a failure answers for the host until it is old, and nothing but a failure does', async () => {
    let hits = 0;
    let time = instant.getTime();
    const { port } = await listen((request, response) => {
      hits += 1;
      if (hits === 1) response.writeHead(503).end();
      else json('{}')(request, response);
    });
    const fetch = client({ negativeCacheMilliseconds: 60_000, now: () => new Date(time) }).forPurpose('did');
    const url = `http://localhost:${port}/did.json`;
    expect(await reasonOf(fetch(url))).toBe('status');
    expect(await reasonOf(fetch(url))).toBe('negative_cache');
    expect(hits).toBe(1);
    time += 30_001;
    expect(await reasonOf(fetch(url))).toBe('none');
    expect(await reasonOf(fetch(url))).toBe('none');
    expect(hits).toBe(3);
  });

  test('a caller whose time is up is told so and does not blacken the host', async () => {
    const { port } = await listen((request, response) => {
      setTimeout(() => json('{}')(request, response), 150);
    });
    const fetch = client({ negativeCacheMilliseconds: 10_000 }).forPurpose('did');
    const url = `http://localhost:${port}/`;
    expect(await reasonOf(fetch(url, { signal: AbortSignal.abort() }))).toBe('timeout');
    expect(await reasonOf(fetch(url, { signal: AbortSignal.timeout(30) }))).toBe('timeout');
    expect(await reasonOf(fetch(url))).toBe('none');
  });
});
