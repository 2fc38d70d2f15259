/** The payloads of issued credentials at rest, bound to the record's id and to which of its payloads they are. */
import { createSealedBox as createBox } from '../store/sealed-box.js';

/** Which of a record's payloads it is; bound too, so that one cannot be put in the other's place. */
export type SealedPart = 'prepared' | 'signed';

export interface SealedBox {
  seal(plain: string, id: string, part: SealedPart): Buffer;
  open(sealed: Buffer, id: string, part: SealedPart): string;
}

export function createSealedBox(key: Buffer, random: (size: number) => Buffer): SealedBox {
  const box = createBox(key, random);
  const place = (id: string, part: SealedPart) => `staff-passport/issuance/v1/${part}/${id}`;
  return {
    seal: (plain, id, part) => box.seal(plain, place(id, part)),
    open: (sealed, id, part) => box.open(sealed, place(id, part)),
  };
}
