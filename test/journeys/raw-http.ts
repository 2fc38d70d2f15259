/** HTTP/1.1 over a bare socket, for requests that no client library would send. */
import { connect } from 'node:net';

export interface RawRequest {
  readonly method: string;
  /** The request target exactly as it is sent. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  /** Sends the body in chunks, without saying beforehand how long it is. */
  readonly chunked?: boolean;
  /** An address of this machine that the request comes from; 127.0.0.1 if absent. */
  readonly from?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const limitMilliseconds = 30_000;
const pieceBytes = 64 * 1024;

/** Sends one request on a connection of its own and reads the answer to its end. */
export function sendRaw(port: number, request: RawRequest): Promise<RawAnswer> {
  const body = Buffer.from(request.body ?? '');
  const length: Record<string, string> = request.chunked
    ? { 'transfer-encoding': 'chunked' }
    : body.length > 0
      ? { 'content-length': String(body.length) }
      : {};
  const headers = { host: `localhost:${port}`, connection: 'close', ...length, ...request.headers };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${request.method} ${request.target} HTTP/1.1\r\n${lines.join('')}\r\n`;
  return new Promise((done, fail) => {
    const received: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1', ...(request.from && { localAddress: request.from }) });
    const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), limitMilliseconds);
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    // A server that has answered may close while we still send; what it said before counts.
    socket.on('error', (error) => received.length === 0 && fail(error));
    socket.on('close', () => {
      clearTimeout(timer);
      if (received.length === 0) fail(new Error(`${request.method} ${request.target.slice(0, 80)} was not answered`));
      else done(parseAnswer(Buffer.concat(received)));
    });
    socket.write(Buffer.from(head, 'latin1'));
    const isAnswered = () => received.length > 0 || socket.destroyed;
    void sendBody(body, { chunked: request.chunked === true, isAnswered, write: (data) => socket.write(data) });
  });
}

interface Sending {
  readonly chunked: boolean;
  readonly isAnswered: () => boolean;
  readonly write: (data: Buffer | string) => boolean;
}

async function sendBody(body: Buffer, { chunked, isAnswered, write }: Sending): Promise<void> {
  for (let at = 0; at < body.length && !isAnswered(); at += pieceBytes) {
    const piece = body.subarray(at, at + pieceBytes);
    if (chunked) write(`${piece.length.toString(16)}\r\n`);
    write(piece);
    if (chunked) write('\r\n');
    await new Promise((done) => setTimeout(done, at === 0 ? 20 : 0));
  }
  if (chunked && !isAnswered()) write('0\r\n\r\n');
}

function parseAnswer(bytes: Buffer): RawAnswer {
  const end = bytes.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const body = bytes.subarray(end + 4);
  const text = headers['transfer-encoding'] === 'chunked' ? joinChunks(body) : body.toString('utf8');
  return { status: Number(statusLine.split(' ')[1]), headers, text };
}

function joinChunks(body: Buffer): string {
  const chunks: Buffer[] = [];
  let rest = body;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n');
    const size = Number.parseInt(rest.subarray(0, lineEnd).toString('latin1'), 16);
    if (!(size > 0)) return Buffer.concat(chunks).toString('utf8');
    chunks.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
    rest = rest.subarray(lineEnd + 2 + size + 2);
  }
}
