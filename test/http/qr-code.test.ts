import decodeQR from 'qr/decode.js';
import { qrSvg } from '../../src/http/qr-code.js';
import { pictureOf } from './qr-picture.js';

describe('a QR code', () => {
  test.each([
    'openid-credential-offer://?credential_offer_uri=https%3A%2F%2Frxa.example%2Fpassport%2Foffers%2FoXp1vLr7kq0',
    'https://rxa.example.nhs.uk/passport/Zm9vYmFyYmF6cXV4MTIzNDU2',
    'a',
    `https://rxa.example/${'x'.repeat(1500)}`,
  ])('is read as the text that it was made of', (text) => {
    expect(decodeQR(pictureOf(qrSvg(text)), { timeLimit: 5000 })).toBe(text);
  });

  test('has a name for those who cannot see it, escaped, and neither script nor style', () => {
    const svg = qrSvg('https://rxa.example/', 'Code for "DBS check" <b>');
    expect(svg).toContain('role="img" aria-label="Code for &#34;DBS check&#34; &#60;b&#62;"');
    expect(svg).not.toMatch(/<script|style=|<b>/);
  });

  test('refuses a text that no code can hold', () => {
    expect(() => qrSvg('x'.repeat(3000))).toThrow();
  });
});
