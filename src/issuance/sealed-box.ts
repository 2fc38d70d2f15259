/**
 * Payloads at rest: AES-256-GCM with the record's id as additional data, so that a row's bytes open only as what they
 * are and where they are. The key is derived from the key-encryption key; without it the rows are noise.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { ServiceError } from '../errors.js';

/** Which of a record's payloads it is; bound too, so that one cannot be put in the other's place. */
export type SealedPart = 'prepared' | 'signed';

export interface SealedBox {
  seal(plain: string, id: string, part: SealedPart): Buffer;
  open(sealed: Buffer, id: string, part: SealedPart): string;
}

const version = 1;
const nonceLength = 12;
// Node accepts tags of 4 bytes unless told (security.md 2.1).
const tagLength = 16;
const algorithm = 'aes-256-gcm';

function additionalData(id: string, part: SealedPart): Buffer {
  return Buffer.from(`staff-passport/issuance/v${version}/${part}/${id}`);
}

export function createSealedBox(key: Buffer, random: (size: number) => Buffer): SealedBox {
  return {
    seal(plain, id, part) {
      const nonce = random(nonceLength);
      const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagLength });
      cipher.setAAD(additionalData(id, part));
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.from([version]), nonce, cipher.getAuthTag(), body]);
    },
    open(sealed, id, part) {
      const bodyStart = 1 + nonceLength + tagLength;
      if (sealed[0] !== version || sealed.length < bodyStart) throw unreadable();
      try {
        const nonce = sealed.subarray(1, 1 + nonceLength);
        const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagLength });
        decipher.setAAD(additionalData(id, part));
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
