import decodeQR from 'qr/decode.js';
import { qrSvg } from '../../src/http/qr-code.js';

/** Draws the paths of the SVG as a picture, four pixels for a unit, for a reader that is not the library that wrote it. */
function pictureOf(svg: string): { width: number; height: number; data: Uint8Array } {
  const side = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)?.[1]);
  const scale = 4;
  const width = side * scale;
  const data = new Uint8Array(width * width * 4).fill(255);
  for (const [, left, top, length] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1H\1z/g)) {
    for (let y = Number(top) * scale; y < (Number(top) + 1) * scale; y += 1) {
      data.subarray((y * width + Number(left) * scale) * 4).fill(0, 0, Number(length) * scale * 4);
      for (let x = Number(left) * scale; x < (Number(left) + Number(length)) * scale; x += 1)
        data[(y * width + x) * 4 + 3] = 255;
    }
  }
  return { width, height: width, data };
}

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
