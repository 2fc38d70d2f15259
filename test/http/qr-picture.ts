/** Draws the paths of the SVG as a picture, four pixels for a unit, for a reader that is not the library that wrote it. */
export function pictureOf(svg: string): { width: number; height: number; data: Uint8Array } {
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
