// MTCNN around its three networks, and the search for faces in photos that may be turned, as src/alignment has them.

import { alignedPlace, applied, cutOut, fitSimilarity, inverse } from "./alignment.js";
import { makeMap, turned, withMargin } from "./image.js";

const CELL = 12, REFINED = 24, OUTPUT = 48;
const single = Math.fround; // boxes are float32 in the library, and whole pixels are cut off them

/** Means over areas of a part of the picture, as the networks take them. Into `out`, from `at` on. */
function resampled(picture, left, top, width, height, toWidth, toHeight, out, at) {
  const area = toWidth * toHeight;
  for (let y = 0; y < toHeight; ++y) {
    const firstRow = top + Math.floor((y * height) / toHeight), endRow = top + Math.ceil(((y + 1) * height) / toHeight);
    for (let x = 0; x < toWidth; ++x) {
      const first = left + Math.floor((x * width) / toWidth), end = left + Math.ceil(((x + 1) * width) / toWidth);
      let red = 0, green = 0, blue = 0;
      for (let row = firstRow; row < endRow; ++row) {
        for (let from = 4 * (row * picture.width + first), last = 4 * (row * picture.width + end); from < last; from += 4) {
          red += picture.data[from];
          green += picture.data[from + 1];
          blue += picture.data[from + 2];
        }
      }
      const pixels = (endRow - firstRow) * (end - first), to = at + y * toWidth + x;
      out[to] = (red / pixels - 127.5) * 0.0078125;
      out[to + area] = (green / pixels - 127.5) * 0.0078125;
      out[to + 2 * area] = (blue / pixels - 127.5) * 0.0078125;
    }
  }
}

/** Greedy non-maximum suppression: of boxes that share more than `most` the surest stays; the surest first. */
function suppressed(candidates, most, ofSmaller) {
  const end = ofSmaller ? 1 : 0;
  const area = ([left, top, right, bottom]) => single((right - left + end) * (bottom - top + end));
  const kept = [];
  const sorted = candidates.map((one, place) => ({ one, place })).sort((a, b) => b.one.score - a.one.score || a.place - b.place);
  for (const { one } of sorted) {
    const stays = kept.every((other) => {
      const width = Math.min(one.box[2], other.box[2]) - Math.max(one.box[0], other.box[0]) + end;
      const height = Math.min(one.box[3], other.box[3]) - Math.max(one.box[1], other.box[1]) + end;
      const shared = single(Math.max(width, 0) * Math.max(height, 0));
      const whole = ofSmaller ? Math.min(area(one.box), area(other.box)) : area(one.box) + area(other.box) - shared;
      return shared / whole <= most;
    });
    if (stays) kept.push(one);
  }
  return kept;
}

function corrected({ box: [left, top, right, bottom], by }, end) {
  const width = right - left + end, height = bottom - top + end;
  return [left + by[0] * width, top + by[1] * height, right + by[2] * width, bottom + by[3] * height].map(single);
}

function square([left, top, right, bottom]) {
  const width = right - left, height = bottom - top, side = Math.max(width, height);
  const x = single(left + width * 0.5 - side * 0.5), y = single(top + height * 0.5 - side * 0.5);
  return [x, y, single(x + side), single(y + side)];
}

/** Cells of the picture at one scale that look like a face. */
async function proposalsAt(network, picture, scale, threshold) {
  const width = Math.trunc(picture.width * scale + 1), height = Math.trunc(picture.height * scale + 1);
  const input = makeMap(3, width, height);
  resampled(picture, 0, 0, picture.width, picture.height, width, height, input.data, 0);
  const { data, dims } = await network({ window: { data: input.data, dims: [1, 3, height, width] } });
  const [, , rows, columns] = dims, cells = rows * columns, found = [];
  for (let cell = 0; cell < cells; ++cell) {
    if (data[cell] < threshold) continue;
    const x = 2 * (cell % columns), y = 2 * Math.floor(cell / columns);
    found.push({
      box: [x + 1, y + 1, x + CELL, y + CELL].map((side) => Math.floor(single(side / single(scale)))),
      score: data[cell],
      by: [1, 2, 3, 4].map((channel) => data[channel * cells + cell]),
    });
  }
  return suppressed(found, 0.5, false);
}

/** Judges the candidates' windows; those without a pixel in the picture, and those below the threshold, are dropped. */
async function judged(network, picture, candidates, side, threshold) {
  const area = 3 * side * side, inside = [], windows = [];
  for (const one of candidates) {
    const [left, top, right, bottom] = one.box.map(Math.trunc);
    const x = Math.max(left, 1) - 1, y = Math.max(top, 1) - 1;
    const width = Math.min(right, picture.width) - x, height = Math.min(bottom, picture.height) - y;
    if (width <= 0 || height <= 0) continue;
    inside.push(one);
    windows.push([x, y, width, height]);
  }
  const out = [];
  for (let begin = 0; begin < inside.length; begin += 256) {
    const count = Math.min(inside.length - begin, 256), input = new Float32Array(count * area);
    for (let i = 0; i < count; ++i) resampled(picture, ...windows[begin + i], side, side, input, i * area);
    const { data, dims } = await network({ window: { data: input, dims: [count, 3, side, side] } });
    for (let i = 0; i < count; ++i) {
      const [score, ...rest] = data.subarray(i * dims[1], (i + 1) * dims[1]);
      if (score > threshold) out.push({ box: inside[begin + i].box, score, by: rest.slice(0, 4), points: rest.slice(4) });
    }
  }
  return out;
}

/** Upright faces: {left, top, right, bottom, score, points}. */
async function upright(networks, options, picture) {
  const side = Math.max(Math.min(picture.width, picture.height), 0.75 * Math.sqrt(picture.width * picture.height));
  const smallest = Math.max(options.smallest, options.smallest_share * side);
  let scale = CELL / smallest, candidates = [];
  for (let shorter = Math.min(picture.width, picture.height) * scale; shorter >= CELL; shorter *= options.factor, scale *= options.factor) {
    candidates.push(...(await proposalsAt(networks[0], picture, scale, options.thresholds[0])));
  }
  candidates = suppressed(candidates, 0.7, false);
  for (const one of candidates) one.box = square(corrected(one, 0));
  candidates = suppressed(await judged(networks[1], picture, candidates, REFINED, options.thresholds[1]), 0.7, false);
  for (const one of candidates) one.box = square(corrected(one, 1));
  candidates = await judged(networks[2], picture, candidates, OUTPUT, options.thresholds[2]);
  for (const one of candidates) {
    const [left, top, right, bottom] = one.box;
    one.points = [0, 1, 2, 3, 4].map((i) => ({
      x: single((right - left + 1) * one.points[i] + left - 1),
      y: single((bottom - top + 1) * one.points[i + 5] + top - 1),
    }));
    one.box = corrected(one, 1);
  }
  const faces = [];
  for (const { box: [left, top, right, bottom], score, points } of suppressed(candidates, 0.7, true)) {
    faces.push({ left, top, right, bottom, score, points: await seenUpright(networks[2], options, picture, points) });
  }
  return faces;
}

/** The points that the last network sees where the face is cut out upright, on average over that picture and its mirror image. */
async function seenUpright(network, { window, thresholds }, picture, points) {
  const place = alignedPlace(fitSimilarity(points, window.points), { x: 0, y: 0, ...window.size });
  let cut;
  try {
    cut = cutOut(picture, place);
  } catch {
    return points; // of a face that sureOnes leaves out
  }
  const area = 3 * OUTPUT * OUTPUT, input = new Float32Array(2 * area);
  resampled(cut, 0, 0, cut.width, cut.height, OUTPUT, OUTPUT, input, 0);
  for (let row = 0; row < area; row += OUTPUT) input.set(input.slice(row, row + OUTPUT).reverse(), area + row);
  const { data, dims } = await network({ window: { data: input, dims: [2, 3, OUTPUT, OUTPUT] } });
  const [seen, mirrored] = [data.subarray(0, dims[1]), data.subarray(dims[1])];
  if (!(Math.min(seen[0], mirrored[0]) > thresholds[2])) return points;
  const toPhoto = inverse(place.toLayout);
  const out = [1, 0, 2, 4, 3].map((other, i) => {
    const x = (seen[5 + i] + 1 - mirrored[5 + other]) / 2, y = (seen[10 + i] + mirrored[10 + other]) / 2;
    return applied(toPhoto, { x: x * OUTPUT - 0.5, y: y * OUTPUT - 0.5 });
  });
  return isOne(points, out) ? out : points;
}

/** Points that all lie in one place, or far from the photo, give no transform; a face without a point in the photo is none of its own. */
function usable({ left, top, right, bottom, points }, { width, height }) {
  const within = (at, extent, beyond) => at >= -beyond * extent && at <= (1 + beyond) * extent;
  const there = points.every(({ x, y }) => within(x, width, 1) && within(y, height, 1));
  const inside = points.some(({ x, y }) => within(x, width, 0) && within(y, height, 0));
  return there && inside && (right - left) * (bottom - top) > 0 && points.some(({ x, y }) => x !== points[0].x || y !== points[0].y);
}

/** Two answers for one face: its points lie, on average, within a quarter of the eyes' distance of the other's. */
function isOne(points, others) {
  const apart = points.reduce((sum, { x, y }, i) => sum + Math.hypot(x - others[i].x, y - others[i].y), 0);
  return apart <= 0.25 * points.length * Math.hypot(points[1].x - points[0].x, points[1].y - points[0].y);
}

/** Those that the detector is sure of, the surest first, each once. */
function sureOnes(faces, leastScore, picture) {
  const out = [];
  for (const face of faces.filter((one) => one.score >= leastScore && usable(one, picture)).sort((a, b) => b.score - a.score)) {
    if (!out.some((other) => isOne(face.points, other.points))) out.push(face);
  }
  return out;
}

/** A face on its side or upside down, if its points are right. */
function leans({ points: [left, right, , mouthLeft, mouthRight] }) {
  return mouthLeft.y + mouthRight.y - left.y - right.y < Math.abs(mouthLeft.x + mouthRight.x - left.x - right.x);
}

/** The faces of a picture as it stands; where one leaves it, looked at once more with a gray margin. */
async function seen(networks, options, picture) {
  const sure = async (shown) => sureOnes(await upright(networks, options, shown), options.least_score, shown);
  const faces = await sure(picture);
  let margin = 0;
  for (const { left, top, right, bottom } of faces) {
    const side = Math.max(right - left, bottom - top);
    if (Math.max(-left, -top, right - picture.width, bottom - picture.height, 0) > 0.05 * side) margin = Math.max(margin, side / 2);
  }
  const by = Math.min(Math.trunc(margin), Math.max(picture.width, picture.height));
  if (!by) return faces;
  const again = await sure(withMargin(picture, by, 127));
  return again.length < faces.length ? faces : again.map((face) => moved(face, ({ x, y }) => ({ x: x - by, y: y - by })));
}

/** A face whose points and corners went somewhere else. */
function moved(face, to) {
  const first = to({ x: face.left, y: face.top }), second = to({ x: face.right, y: face.bottom });
  return {
    left: Math.min(first.x, second.x),
    top: Math.min(first.y, second.y),
    right: Math.max(first.x, second.x),
    bottom: Math.max(first.y, second.y),
    score: face.score,
    points: face.points.map(to),
  };
}

/**
 * The faces of a photo, the largest first. A photo whose faces are not certain, or do not stand upright, is looked at on its sides and upside
 * down, too.
 * @param networks  three functions from {window: {data, dims}} to {data, dims}
 * @returns {faces, turns}  quarter turns by which the photo had to be turned
 */
export async function findFaces(networks, options, picture) {
  const lastX = picture.width - 1, lastY = picture.height - 1;
  const back = [(at) => at, ({ x, y }) => ({ x: lastX - y, y: x }), ({ x, y }) => ({ x: lastX - x, y: lastY - y }), ({ x, y }) => ({ x: y, y: lastY - x })];
  let best = { faces: [], turns: 0 }, most = 0;
  for (const turns of [0, 1, 3, 2]) {
    const faces = await seen(networks, options, turns ? turned(picture, turns) : picture);
    const worth = faces.reduce((sum, face) => sum + face.score * (leans(face) ? 0.5 : 1), 0);
    if (worth > most) {
      most = worth;
      best = { faces: faces.map((face) => moved(face, back[turns])), turns };
    }
    if (faces.some(({ score }) => score >= options.certain_score) && !faces.some(leans)) break;
  }
  const area = ({ left, top, right, bottom }) => (right - left) * (bottom - top);
  best.faces.sort((a, b) => area(b) - area(a));
  return best;
}
