/**
 * Texts at rest that only this service may read: AES-256-GCM with the row's name as additional data, so that bytes open
 * only as what they are and where they are. The key is derived from the key-encryption key; without it rows are noise.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { ServiceError } from '../errors.js';

/** `place` names table, column and row: what was sealed for one place does not open in another. */
export interface SealedBox {
  seal(plain: string, place: string): Buffer;
  open(sealed: Buffer, place: string): string;
}

const version = 1;
const nonceLength = 12;
// Node accepts tags of 4 bytes unless told (security.md 2.1).
const tagLength = 16;
const bodyStart = 1 + nonceLength + tagLength;
const algorithm = 'aes-256-gcm';

/** A box over a key of 32 bytes. */
export function createSealedBox(key: Buffer, random: (size: number) => Buffer): SealedBox {
  return {
    seal(plain, place) {
      const nonce = random(nonceLength);
      const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagLength });
      cipher.setAAD(Buffer.from(place));
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.from([version]), nonce, cipher.getAuthTag(), body]);
    },
    open(sealed, place) {
      if (sealed[0] !== version || sealed.length < bodyStart) throw unreadable();
      try {
        const nonce = sealed.subarray(1, 1 + nonceLength);
        const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagLength });
        decipher.setAAD(Buffer.from(place));
        decipher.setAuthTag(sealed.subarray(1 + nonceLength, bodyStart));
        return Buffer.concat([decipher.update(sealed.subarray(bodyStart)), decipher.final()]).toString('utf8');
      } catch (cause) {
        throw unreadable(cause);
      }
    },
  };
}

function unreadable(cause?: unknown): ServiceError {
  return new ServiceError('key_unavailable', 'A stored payload cannot be opened with the present key.', { cause });
}
