/** What becomes of the rest of a body that was refused before its end. */
import type { FastifyRequest } from 'fastify';

/** More than this is not waited for: the connection is cut, and the sender may or may not see why. */
const maxDiscardedBytes = 16 * 1024 * 1024;
/** A sender that pauses for so long is waiting for an answer. The request's own time limit bounds the whole. */
const pauseMilliseconds = 1000;

/**
 * Reads and forgets the rest of a body, within bounds. A client that is still sending when the connection is closed
 * sees it break and never reads the answer (RFC 9112 §9.6), so a refusal of a large body comes after the body.
 */
export function discardRest(request: FastifyRequest['raw']): Promise<void> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (request.complete || request.destroyed || declared > maxDiscardedBytes) return Promise.resolve();
  return new Promise((done) => {
    let discarded = 0;
    const finish = () => {
      clearTimeout(timer);
      request.off('data', count).off('end', finish).off('error', finish).off('close', finish);
      done();
    };
    const timer = setTimeout(finish, pauseMilliseconds);
    const count = (chunk: Buffer) => {
      discarded += chunk.length;
      timer.refresh();
      if (discarded > maxDiscardedBytes) finish();
    };
    request.on('data', count).once('end', finish).once('error', finish).once('close', finish);
    request.resume();
  });
}
