// Pictures and maps of numbers, as src/image has them.
//
// A picture is {width, height, data}: RGBA, 8 bits, the alpha of no meaning. A map is {channels, width, height, data}: float32, channel by channel.

/** Most pixels of a photo: several copies of it are held at once. */
export const MOST_PIXELS = 40e6;

/** A reason that a person can do something about; `kind` is for the page. */
export class Refusal extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** A file's picture, upright and in sRGB, as the browser decodes it; what is transparent becomes white. */
export async function decoded(blob) {
  const bitmap = await createImageBitmap(blob).catch(() => {
    throw new Refusal("no-picture", "This file is not a picture that this browser can read.");
  });
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) {
    bitmap.close();
    throw new Refusal("too-large", `This picture is too large: ${width} × ${height} pixels. Up to ${MOST_PIXELS / 1e6} million pixels can be edited here.`);
  }
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, data: context.getImageData(0, 0, width, height).data };
}

/** @param kind  image/png or image/jpeg   @returns bytes */
export async function encoded({ width, height, data }, kind) {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
  return new Uint8Array(await (await canvas.convertToBlob({ type: kind, quality: 0.95 })).arrayBuffer());
}

export const makePicture = (width, height) => ({ width, height, data: new Uint8ClampedArray(4 * width * height) });
export const makeMap = (channels, width, height) => ({ channels, width, height, data: new Float32Array(channels * width * height) });
export const copyOf = ({ width, height, data }) => ({ width, height, data: data.slice() });

export function cropped(picture, { x, y, width, height }) {
  const out = makePicture(width, height);
  for (let row = 0; row < height; ++row) {
    const begin = 4 * ((y + row) * picture.width + x);
    out.data.set(picture.data.subarray(begin, begin + 4 * width), 4 * row * width);
  }
  return out;
}

/** A quarter turn counterclockwise, `turns` times. */
export function turned(picture, turns) {
  const { width, height } = picture;
  const out = turns % 2 ? makePicture(height, width) : makePicture(width, height);
  const from = new Uint32Array(picture.data.buffer, picture.data.byteOffset, width * height);
  const to = new Uint32Array(out.data.buffer);
  // Where the first pixel comes from, and how far its neighbors to the right and below lie from that.
  const [first, right, below] = [
    [0, 1, width],
    [width - 1, width, -1],
    [width * height - 1, -1, -width],
    [width * (height - 1), -width, 1],
  ][turns];
  for (let y = 0, at = 0; y < out.height; ++y) {
    for (let x = 0, source = first + y * below; x < out.width; ++x, ++at, source += right) to[at] = from[source];
  }
  return out;
}

/** A gray margin of `pixels` on each side. */
export function withMargin(picture, pixels, gray) {
  const out = makePicture(picture.width + 2 * pixels, picture.height + 2 * pixels);
  out.data.fill(gray);
  for (let row = 0; row < picture.height; ++row) {
    const begin = 4 * row * picture.width;
    out.data.set(picture.data.subarray(begin, begin + 4 * picture.width), 4 * ((row + pixels) * out.width + pixels));
  }
  return out;
}

/** Weights of a triangle over each output pixel, as whole numbers of `bits` behind the point: PIL's, and LibTorch's for bytes. */
function triangleWeights(from, to) {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const rows = [];
  let most = 0;
  for (let i = 0; i < to; ++i) {
    const center = scale * (i + 0.5);
    const first = Math.max(Math.trunc(center - support + 0.5), 0);
    const end = Math.min(Math.trunc(center + support + 0.5), from);
    const weights = [];
    let sum = 0;
    for (let j = first; j < end; ++j) {
      const weight = Math.max(0, 1 - Math.abs((j - center + 0.5) / support));
      weights.push(weight);
      sum += weight;
    }
    for (let j = 0; j < weights.length; ++j) most = Math.max(most, (weights[j] /= sum));
    rows.push({ first, weights });
  }
  let bits = 0;
  while (bits < 22 && Math.trunc(0.5 + most * 2 ** (bits + 1)) < 1 << 15) ++bits;
  for (const row of rows) row.weights = Int32Array.from(row.weights, (weight) => Math.trunc(weight * 2 ** bits + 0.5));
  return { rows, bits };
}

function resizedAcross(picture, width) {
  const { rows, bits } = triangleWeights(picture.width, width);
  const out = makePicture(width, picture.height);
  for (let y = 0; y < picture.height; ++y) {
    for (let x = 0; x < width; ++x) {
      const { first, weights } = rows[x];
      let red = 1 << (bits - 1), green = red, blue = red;
      for (let j = 0, at = 4 * (y * picture.width + first); j < weights.length; ++j, at += 4) {
        red += weights[j] * picture.data[at];
        green += weights[j] * picture.data[at + 1];
        blue += weights[j] * picture.data[at + 2];
      }
      out.data.set([red >> bits, green >> bits, blue >> bits, 255], 4 * (y * width + x));
    }
  }
  return out;
}

function resizedDown(picture, height) {
  const { rows, bits } = triangleWeights(picture.height, height);
  const out = makePicture(picture.width, height);
  const length = 4 * picture.width;
  for (let y = 0; y < height; ++y) {
    const { first, weights } = rows[y];
    for (let x = 0; x < length; ++x) {
      let sum = 1 << (bits - 1);
      for (let j = 0; j < weights.length; ++j) sum += weights[j] * picture.data[(first + j) * length + x];
      out.data[y * length + x] = sum >> bits;
    }
  }
  return out;
}

/** Antialiased bilinear, rounded after each direction. */
export function resized(picture, width, height) {
  const across = picture.width === width ? picture : resizedAcross(picture, width);
  return across.height === height ? across : resizedDown(across, height);
}

/** Levels as a map of three channels in [-1, 1]. */
export function toMap(picture) {
  const { width, height, data } = picture;
  const out = makeMap(3, width, height);
  const pixels = width * height;
  for (let channel = 0; channel < 3; ++channel) {
    for (let i = 0; i < pixels; ++i) out.data[channel * pixels + i] = data[4 * i + channel] / 127.5 - 1;
  }
  return out;
}

/** Back to levels; what goes beyond [-1, 1] is clamped. */
export function toPicture(map) {
  const out = makePicture(map.width, map.height);
  const pixels = map.width * map.height;
  for (let i = 0; i < pixels; ++i) {
    for (let channel = 0; channel < 3; ++channel) out.data[4 * i + channel] = (map.data[channel * pixels + i] + 1) * 127.5;
    out.data[4 * i + 3] = 255;
  }
  return out;
}

/** Where output pixels lie between two input pixels. */
function between(from, to) {
  const low = new Int32Array(to), high = new Int32Array(to), share = new Float32Array(to);
  for (let i = 0; i < to; ++i) {
    const at = Math.max((i + 0.5) * (from / to) - 0.5, 0);
    low[i] = Math.min(Math.trunc(at), from - 1);
    high[i] = Math.min(low[i] + 1, from - 1);
    share[i] = at - low[i];
  }
  return { low, high, share };
}

/** Bilinear by pixel centers, not antialiased. */
export function resizedMap(map, width, height) {
  if (map.width === width && map.height === height) return map;
  const out = makeMap(map.channels, width, height);
  const across = between(map.width, width), down = between(map.height, height);
  for (let channel = 0, at = 0; channel < map.channels; ++channel) {
    const data = map.data.subarray(channel * map.width * map.height, (channel + 1) * map.width * map.height);
    for (let y = 0; y < height; ++y) {
      const upper = down.low[y] * map.width, lower = down.high[y] * map.width, v = down.share[y];
      for (let x = 0; x < width; ++x, ++at) {
        const l = across.low[x], r = across.high[x], u = across.share[x];
        out.data[at] = (1 - v) * ((1 - u) * data[upper + l] + u * data[upper + r]) + v * ((1 - u) * data[lower + l] + u * data[lower + r]);
      }
    }
  }
  return out;
}

/** Nearest neighbor by pixel edges, of one channel. */
export function enlarged(map, width, height) {
  const out = makeMap(1, width, height);
  for (let y = 0, at = 0; y < height; ++y) {
    const row = Math.min(Math.trunc((y * map.height) / height), map.height - 1) * map.width;
    for (let x = 0; x < width; ++x, ++at) out.data[at] = map.data[row + Math.min(Math.trunc((x * map.width) / width), map.width - 1)];
  }
  return out;
}

/** One number out of each window of 2 reach + 1 pixels along both sides, one after the other. */
function separable(map, along) {
  const middle = makeMap(1, map.width, map.height), out = makeMap(1, map.width, map.height);
  for (let y = 0; y < map.height; ++y) along(map.data, middle.data, y * map.width, 1, map.width);
  for (let x = 0; x < map.width; ++x) along(middle.data, out.data, x, map.width, map.height);
  return out;
}

/** Means over square windows, edges repeated; of one channel. */
export function blurred(map, reach) {
  return separable(map, (from, to, begin, step, length) => {
    const value = (i) => from[begin + Math.min(Math.max(i, 0), length - 1) * step];
    let sum = 0;
    for (let i = -reach; i <= reach; ++i) sum += value(i);
    for (let i = 0; i < length; ++i) {
      to[begin + i * step] = sum / (2 * reach + 1);
      sum += value(i + reach + 1) - value(i - reach);
    }
  });
}

/** Maxima over square windows; of one channel. */
export function grown(map, reach) {
  return separable(map, (from, to, begin, step, length) => {
    for (let i = 0; i < length; ++i) {
      let most = -Infinity;
      for (let j = Math.max(i - reach, 0); j <= Math.min(i + reach, length - 1); ++j) most = Math.max(most, from[begin + j * step]);
      to[begin + i * step] = most;
    }
  });
}

/** The largest channel of each pixel. */
export function largestChannel(map) {
  const pixels = map.width * map.height;
  const out = new Uint8Array(pixels);
  for (let i = 0; i < pixels; ++i) {
    let best = 0;
    for (let channel = 1; channel < map.channels; ++channel) {
      if (map.data[channel * pixels + i] > map.data[best * pixels + i]) best = channel;
    }
    out[i] = best;
  }
  return out;
}
