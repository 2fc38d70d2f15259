/** QR codes (ISO/IEC 18004) as inline SVG: pages may load no images from elsewhere and run no scripts. */
import { html } from 'ghtml';
import { correction, generate } from 'lean-qr';

/** White modules around the code, without which readers do not find it (ISO/IEC 18004 section 9.1: 4). */
const quietZone = 4;

/**
 * The text as a square SVG with an accessible name. It is no link: whoever cannot scan needs the same address beside it.
 * Only for texts of our own making: one longer than 2,331 bytes fits no QR code of this level and is a fault of the caller.
 */
export function qrSvg(text: string, name = 'QR code'): string {
  // M repairs 15 % of the code, enough for a screen; a level more would make its modules smaller on a phone.
  const code = generate(text, { minCorrectionLevel: correction.M });
  const side = code.size + 2 * quietZone;
  const rows = Array.from({ length: code.size }, (_, y) => rowPath(code, y));
  return html`<svg xmlns="http://www.w3.org/2000/svg" class="qr" role="img" aria-label="${name}" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${side}v${side}H0z"/><path d="!${rows.join('')}"/></svg>`;
}

/** One horizontal bar for each run of dark modules. */
function rowPath(code: ReturnType<typeof generate>, y: number): string {
  let path = '';
  for (let x = 0; x < code.size; x += 1) {
    if (!code.get(x, y)) continue;
    const start = x;
    while (code.get(x + 1, y)) x += 1;
    path += `M${start + quietZone} ${y + quietZone}h${x - start + 1}v1H${start + quietZone}z`;
  }
  return path;
}
