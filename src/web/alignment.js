// A face out of a photo and back into it, as src/alignment does it. Points are {x, y}; the center of the first pixel is (0, 0).

import { blurred, grown, makeMap, makePicture, resizedMap } from "./image.js";

/** (x, y) -> (a x - b y + right, b x + a y + down) */
export const applied = ({ a, b, right, down }, { x, y }) => ({ x: a * x - b * y + right, y: b * x + a * y + down });
export const scaleOf = ({ a, b }) => Math.hypot(a, b);

export function inverse({ a, b, right, down }) {
  const square = a * a + b * b;
  const back = { a: a / square, b: -b / square, right: 0, down: 0 };
  const origin = applied(back, { x: right, y: down });
  return { ...back, right: -origin.x, down: -origin.y };
}

const centerOf = (points) => ({
  x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
  y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
});
const spreadOf = (points) => {
  const center = centerOf(points);
  return points.reduce((sum, { x, y }) => sum + Math.hypot(x - center.x, y - center.y), 0) / points.length;
};

/** Umeyama's least squares without reflection, points as complex numbers. */
export function fitSimilarity(from, to) {
  const source = centerOf(from), target = centerOf(to);
  let re = 0, im = 0, spread = 0;
  for (let i = 0; i < from.length; ++i) {
    const x = from[i].x - source.x, y = from[i].y - source.y, u = to[i].x - target.x, v = to[i].y - target.y;
    re += x * u + y * v;
    im += x * v - y * u;
    spread += x * x + y * y;
  }
  const turn = { a: re / spread, b: im / spread, right: 0, down: 0 };
  const moved = applied(turn, source);
  return { ...turn, right: target.x - moved.x, down: target.y - moved.y };
}

/** The part of the photo that becomes the data set's crop, as many pixels as the photo has there, 2048 at most along a side. */
export function alignedPlace(toLayout, crop) {
  const scale = scaleOf(toLayout);
  const by = scale * Math.max(1, Math.max(crop.width, crop.height) / scale / 2048);
  const pixels = (length) => Math.max(Math.round(length / by), 1);
  return { toLayout, crop, width: pixels(crop.width), height: pixels(crop.height) };
}

/** Its outer corners in the photo. */
export function quad({ toLayout, crop }) {
  const toPhoto = inverse(toLayout);
  const left = crop.x - 0.5, top = crop.y - 0.5, right = left + crop.width, bottom = top + crop.height;
  return [[left, top], [right, top], [right, bottom], [left, bottom]].map(([x, y]) => applied(toPhoto, { x, y }));
}

function boundsOf(place, width, height, margin) {
  const corners = quad(place);
  const first = (values, length) => Math.floor(Math.min(Math.max(Math.min(...values) - margin, 0), length));
  const last = (values, length) => Math.ceil(Math.min(Math.max(Math.max(...values) + 1 + margin, 0), length));
  const xs = corners.map(({ x }) => x), ys = corners.map(({ y }) => y);
  const x = first(xs, width), y = first(ys, height);
  return { x, y, width: Math.max(last(xs, width) - x, 0), height: Math.max(last(ys, height) - y, 0) };
}

/** Where pixels of the aligned picture lie in the data set's photo, along one side. */
const layoutPlaces = (pixels, begin, length) => Float64Array.from({ length: pixels }, (_, i) => (i + 0.5) * (length / pixels) + (begin - 0.5));

/** Mirrors a coordinate at the outer edges of `pixels` pixels. */
function mirrored(at, pixels) {
  const along = Math.abs(at + 0.5);
  const flips = Math.floor(along / pixels), rest = along - flips * pixels;
  return Math.min(Math.max(flips % 2 ? pixels - rest - 0.5 : rest - 0.5, 0), pixels - 1);
}

/** Bilinear; what lies outside of the photo is mirrored. */
export function cutOut(photo, place) {
  const box = boundsOf(place, photo.width, photo.height, 2);
  if (!box.width || !box.height) throw new Error("The face lies outside of the photo.");
  const toPhoto = inverse(place.toLayout);
  const xs = layoutPlaces(place.width, place.crop.x, place.crop.width), ys = layoutPlaces(place.height, place.crop.y, place.crop.height);
  const out = makePicture(place.width, place.height);
  for (let row = 0, to = 0; row < place.height; ++row) {
    for (let column = 0; column < place.width; ++column, to += 4) {
      const at = applied(toPhoto, { x: xs[column], y: ys[row] });
      const x = mirrored(at.x - box.x, box.width), y = mirrored(at.y - box.y, box.height);
      const left = Math.floor(x), top = Math.floor(y), u = x - left, v = y - top;
      const right = Math.min(left + 1, box.width - 1), bottom = Math.min(top + 1, box.height - 1);
      const pixel = (column, row) => 4 * ((box.y + row) * photo.width + box.x + column);
      const a = pixel(left, top), b = pixel(right, top), c = pixel(left, bottom), d = pixel(right, bottom);
      for (let channel = 0; channel < 3; ++channel) {
        const { data } = photo;
        out.data[to + channel] =
          (1 - v) * ((1 - u) * data[a + channel] + u * data[b + channel]) + v * ((1 - u) * data[c + channel] + u * data[d + channel]);
      }
      out.data[to + 3] = 255;
    }
  }
  return out;
}

/** The share of the part's area that lies in the photo. */
export function shareInside(place, width, height) {
  const toPhoto = inverse(place.toLayout);
  let inside = 0;
  for (const y of layoutPlaces(place.height, place.crop.y, place.crop.height)) {
    for (const x of layoutPlaces(place.width, place.crop.x, place.crop.width)) {
      const at = applied(toPhoto, { x, y });
      inside += at.x > -0.5 && at.x < width - 0.5 && at.y > -0.5 && at.y < height - 0.5;
    }
  }
  return inside / (place.width * place.height);
}

/** Calls `each(pixel, x, y)` for the photo's pixels within the quad, with their place in the aligned picture. */
function eachWithin(photo, place, each) {
  const box = boundsOf(place, photo.width, photo.height, 0);
  const { toLayout, crop } = place;
  for (let row = box.y; row < box.y + box.height; ++row) {
    for (let column = box.x; column < box.x + box.width; ++column) {
      const at = applied(toLayout, { x: column, y: row });
      const x = (at.x - crop.x + 0.5) / crop.width, y = (at.y - crop.y + 0.5) / crop.height;
      if (x > 0 && x < 1 && y > 0 && y < 1) each(row * photo.width + column, x * place.width - 0.5, y * place.height - 0.5);
    }
  }
}

/** Changes pixels of the photo by what `change(values, level, channel)` makes of maps of the aligned picture, sampled there. */
function added(photo, place, maps, change) {
  const { width, height, channels, data } = maps, area = width * height;
  const values = new Float64Array(channels);
  eachWithin(photo, place, (pixel, atX, atY) => {
    const x = Math.min(Math.max(atX, 0), width - 1), y = Math.min(Math.max(atY, 0), height - 1);
    const left = Math.floor(x), top = Math.floor(y), u = x - left, v = y - top;
    const right = Math.min(left + 1, width - 1), bottom = Math.min(top + 1, height - 1);
    for (let channel = 0; channel < channels; ++channel) {
      const from = channel * area;
      values[channel] =
        (1 - v) * ((1 - u) * data[from + top * width + left] + u * data[from + top * width + right]) +
        v * ((1 - u) * data[from + bottom * width + left] + u * data[from + bottom * width + right]);
    }
    for (let channel = 0; channel < 3; ++channel) photo.data[4 * pixel + channel] += change(values, photo.data[4 * pixel + channel], channel);
  });
}

/** Adds a change of the part, in levels: what is not edited stays as it is. */
export function putBack(photo, place, before, after, weights) {
  const area = place.width * place.height, change = makeMap(3, place.width, place.height);
  for (let channel = 0; channel < 3; ++channel) {
    for (let i = 0; i < area; ++i) change.data[channel * area + i] = (after.data[4 * i + channel] - before.data[4 * i + channel]) * weights.data[i];
  }
  added(photo, place, change, (values, level, channel) => values[channel]);
}

/** Lays a picture of the part over the photo. */
export function putOver(photo, place, picture, weights) {
  const area = place.width * place.height, maps = makeMap(4, place.width, place.height);
  for (let i = 0; i < area; ++i) {
    for (let channel = 0; channel < 3; ++channel) maps.data[channel * area + i] = picture.data[4 * i + channel];
    maps.data[3 * area + i] = weights.data[i];
  }
  added(photo, place, maps, (values, level, channel) => (values[channel] - level) * values[3]);
}

/** Lays a picture over the photo wherever the part is, nearest neighbor. */
export function putColors(photo, place, picture) {
  eachWithin(photo, place, (pixel, x, y) => {
    const from = 4 * (Math.min(Math.max(Math.round(y), 0), picture.height - 1) * picture.width + Math.min(Math.max(Math.round(x), 0), picture.width - 1));
    photo.data.set(picture.data.subarray(from, from + 4), 4 * pixel);
  });
}

const smoothStep = (value) => {
  const t = Math.min(Math.max(value, 0), 1);
  return t * t * (3 - 2 * t);
};

/** A map from the shares of the sides at which each pixel's center lies. */
function mapOf({ width, height }, value) {
  const out = makeMap(1, width, height);
  for (let row = 0, at = 0; row < height; ++row) {
    for (let column = 0; column < width; ++column, ++at) out.data[at] = value((column + 0.5) / width, (row + 0.5) / height, at);
  }
  return out;
}

const inShares = ({ x, y }, crop) => ({ x: (x + 0.5 - crop.x) / crop.width, y: (y + 0.5 - crop.y) / crop.height });

/** Distance from an upright ellipse's center, 1 at its edge. */
function ellipse(layout, place, up, across, down) {
  const unit = spreadOf(layout.points), center = centerOf(layout.points);
  const at = inShares({ x: center.x, y: center.y - up * unit }, place.crop);
  const width = place.crop.width / (across * unit), height = place.crop.height / (down * unit);
  return (x, y) => Math.sqrt(((x - at.x) * width) ** 2 + ((y - at.y) * height) ** 2);
}

/** An ellipse around head and chin, by the layout's points. */
function ellipseWeights(layout, place) {
  const distance = ellipse(layout, place, 0.5, 2.6, 3.5);
  return mapOf(place, (x, y) => smoothStep((1.35 - distance(x, y)) / 0.35));
}

/**
 * How much of a face's edit is seen where: all of it in the head, nothing at the edge, of faces side by side each its own.
 * @returns a function from the parsed head (undefined: an ellipse stands in for it) to the weights
 */
export function blending(layout, place, points, others) {
  const distance = (face) => {
    const at = inShares(applied(place.toLayout, centerOf(face)), place.crop);
    const unit = spreadOf(face) * scaleOf(place.toLayout), across = place.crop.width / unit, down = place.crop.height / unit;
    return (x, y) => Math.sqrt(((x - at.x) * across) ** 2 + ((y - at.y) * down) ** 2);
  };
  const mine = distance(points), theirs = others.map(distance);
  const ramp = (share) => smoothStep(8 * Math.min(share, 1 - share));
  const seen = mapOf(place, (x, y) => {
    const near = mine(x, y);
    let own = 1;
    for (const other of theirs) {
      const far = other(x, y);
      own = Math.min(own, smoothStep((far - near) / Math.max(far + near, 1e-6) / 0.4 + 0.5));
    }
    return ramp(x) * ramp(y) * own;
  });
  const distanceOfMiddle = ellipse(layout, place, 0, 1.4, 1.7);
  const middle = mapOf(place, (x, y) => smoothStep((1.5 - distanceOfMiddle(x, y)) / 0.5));
  let plain;
  return (head) => {
    if (!head) return (plain ??= times(ellipseWeights(layout, place), seen));
    // Grown and softened; the middle of the face belongs to it whatever the parser says.
    const reach = Math.max(Math.trunc((Math.max(head.width, head.height) * 3) / 100), 1);
    const out = resizedMap(blurred(blurred(grown(head, reach), reach), reach), place.width, place.height);
    for (let i = 0; i < out.data.length; ++i) out.data[i] = Math.max(smoothStep(out.data[i]), middle.data[i]) * seen.data[i];
    return out;
  };
}

function times(map, other) {
  for (let i = 0; i < map.data.length; ++i) map.data[i] *= other.data[i];
  return map;
}
