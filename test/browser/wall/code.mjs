// Pictures that say whose they are: for people a colour and a name, for programs
// a row of black and white blocks. What a tile shows can so be read from its
// pixels, whatever the tile believes.

export const WIDTH = 160;
export const HEIGHT = 90;

const BITS = 8;
/** The number, then its complement's lowest two bits: a torn picture does not read as somebody's. */
const BLOCKS = BITS + 2;
const BLOCK = WIDTH / BLOCKS;
const TOP = HEIGHT - 18;

const bitsOf = (number) => {
  const bits = Array.from({ length: BITS }, (_, bit) => (number >> bit) & 1);

  return [...bits, 1 - bits[0], bits.reduce((odd, bit) => odd ^ bit, 0)];
};

/** A picture of specks, larger than a frame; a part of it is what a frame weighs. */
export function speckled(specks) {
  const canvas = new OffscreenCanvas(2 * WIDTH, 2 * TOP);
  const context = canvas.getContext('2d');
  for (let speck = 0; speck < 4 * specks; speck += 1) {
    context.fillStyle = `hsl(${Math.random() * 360} 60% 50% / 0.5)`;
    context.fillRect(Math.random() * 2 * WIDTH, Math.random() * 2 * TOP, 5, 4);
  }

  return canvas;
}

/** Draws frame i of so many of a student; a bar moves across it once. */
export function draw(context, number, name, i, { frames, noise }) {
  context.fillStyle = `hsl(${(number * 137.5) % 360} 60% ${45 + (number % 3) * 12}%)`;
  context.fillRect(0, 0, WIDTH, HEIGHT);
  context.fillStyle = 'rgb(255 255 255 / 0.6)';
  context.fillRect((i / frames) * WIDTH, 0, 10, TOP);
  context.drawImage(noise, Math.random() * WIDTH, Math.random() * TOP, WIDTH, TOP - 8, 0, 0, WIDTH, TOP - 8);
  context.fillStyle = 'black';
  context.font = 'bold 34px sans-serif';
  context.textAlign = 'center';
  context.fillText(name, WIDTH / 2, 48);
  bitsOf(number).forEach((bit, block) => {
    context.fillStyle = bit === 1 ? 'white' : 'black';
    context.fillRect(block * BLOCK, TOP, BLOCK, HEIGHT - TOP);
  });
}

/** The number in a picture of WIDTH x HEIGHT, null if there is none, and its mean luma. */
export function read(context) {
  const { data } = context.getImageData(0, 0, WIDTH, HEIGHT);
  const luma = (x, y) => {
    const at = (y * WIDTH + x) * 4;

    return 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
  };
  const mean = (left, top, width, height) => {
    let sum = 0;
    for (let y = top; y < top + height; y += 1) {
      for (let x = left; x < left + width; x += 1) {
        sum += luma(x, y);
      }
    }

    return sum / (width * height);
  };
  const bits = Array.from({ length: BLOCKS }, (_, block) => {
    const light = mean(block * BLOCK + 5, TOP + 6, 6, 6);

    // Neither black nor white: not one of these pictures.
    return light > 170 ? 1 : light < 85 ? 0 : null;
  });
  const number = bits.slice(0, BITS).reduce((sum, bit, place) => sum + (bit ?? 0) * 2 ** place, 0);
  const good = bitsOf(number).every((bit, block) => bit === bits[block]);

  return { number: good ? number : null, luminance: mean(0, 0, WIDTH, TOP) };
}
