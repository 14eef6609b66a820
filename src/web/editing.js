// Photo in, edited photo out, as src/editing does it.

import { alignedPlace, blending, cutOut, fitSimilarity, putBack, putColors, putOver, shareInside } from "./alignment.js";
import { findFaces } from "./detector.js";
import { Refusal, blurred, copyOf, cropped, encoded, enlarged, grown, largestChannel, makeMap, makePicture, resized, resizedMap, toMap, toPicture } from "./image.js";
import { withProvenance } from "./provenance.js";

/** The part of a photo of any size that a data set's crop keeps. */
export function cropRect({ kind, side, box }, of, width, height) {
  const shorter = Math.min(width, height);
  const centered = (length) => ({ x: (width - length) >> 1, y: (height - length) >> 1, width: length, height: length });
  if (kind === "none") return { x: 0, y: 0, width, height };
  if (kind === "center" && !side) return centered(shorter);
  const same = of && of.width === width && of.height === height;
  if (kind === "box") {
    const [x, y, w, h] = box;
    if (!of || same) return { x, y, width: w, height: h };
    const across = (at) => Math.round((at * width) / of.width), down = (at) => Math.round((at * height) / of.height);
    return { x: across(x), y: down(y), width: Math.max(across(x + w) - across(x), 1), height: Math.max(down(y + h) - down(y), 1) };
  }
  if (same) return centered(side);
  let data = of;
  if (!data) {
    data = { width: 178, height: 218 };
    while (data.width < side) data = { width: data.width * 2, height: data.height * 2 };
    while (data.width / 2 >= side) data = { width: data.width / 2, height: data.height / 2 };
  }
  if (width === height && data.width !== data.height) return { x: 0, y: 0, width, height };
  return centered(Math.min(Math.max(Math.round((side * shorter) / Math.min(data.width, data.height)), 1), shorter));
}

/** What the generators are asked for. An attribute that is there is not added again, one that lacks not removed; what excludes it goes. */
export function difference(attributes, source, edits) {
  const strengths = new Map(edits.map(({ name, strength }) => [attributes.findIndex((one) => one.name === name), strength]));
  const out = new Float32Array(attributes.length);
  for (const [place, strength] of strengths) out[place] = strength > 0 ? strength * (source[place] ? 0 : 1) : strength * (source[place] ? 1 : 0);
  for (const [place, strength] of strengths) {
    if (strength <= 0) continue;
    for (const other of attributes[place].excludes) {
      if (!strengths.has(other)) out[other] = source[other] ? -strength : 0;
    }
  }
  return out;
}

/** Weights of an edit that changes nothing outside of a region: 0 there, rising within it to 1. */
function regionWeights(region, width, height) {
  const reach = Math.max(Math.trunc(region.width / 32), 1), rising = blurred(region, reach);
  for (let i = 0; i < rising.data.length; ++i) rising.data[i] = Math.min(Math.max(2 * rising.data[i] - 1, 0), 1) * region.data[i];
  const smooth = resizedMap(rising, width, height), inside = enlarged(region, width, height);
  for (let i = 0; i < smooth.data.length; ++i) smooth.data[i] *= inside.data[i];
  return smooth;
}

/** Decibels of maps in [-1, 1]. */
function psnr(map, truth) {
  let sum = 0;
  for (let i = 0; i < map.data.length; ++i) sum += (map.data[i] - truth.data[i]) ** 2;
  return 10 * Math.log10((4 * map.data.length) / sum);
}

/**
 * @param description  model.json
 * @param networks  by name (generator, classifier, parser, mask_generator, detector1 …) functions from {input: {data, dims}} to {data, dims};
 *   those that the bundle lacks are undefined
 */
export class Editor {
  #description;
  #networks;
  #photo;
  #views; // {crop, place, points?} of the faces, or of the crop

  constructor(description, networks) {
    this.#description = description;
    this.#networks = networks;
  }

  /**
   * Looks for faces, or takes the photo as aligned.
   * @param middle  edits the bundle's crop of the photo, whether there is a face or not
   * @returns {x, y, width, height, faces, notes}  the part of the photo that is shown; faces: [{left, top, right, bottom}], none where the crop is edited
   */
  async open(photo, { middle = false } = {}) {
    const { layout, detector, crop, photo_size: size } = this.#description;
    const place = cropRect(crop, size, photo.width, photo.height);
    if (place.x < 0 || place.y < 0 || place.x + place.width > photo.width || place.y + place.height > photo.height)
      throw new Refusal("crop", `The photo has ${photo.width} × ${photo.height} pixels, and less than this model's photos need.`);
    if (!layout || !detector || middle || this.#isAligned(photo)) {
      const whole = place.width === photo.width && place.height === photo.height;
      this.#photo = whole ? photo : cropped(photo, place);
      this.#views = [{ crop: this.#photo, place: { width: place.width, height: place.height } }];
      const notes = layout && !middle ? ["The photo has the size of the model's own, and is taken as aligned."] : [];
      return { ...place, faces: [], notes: [...notes, ...this.#notesOnSize(place)] };
    }
    const { faces, turns } = await findFaces([1, 2, 3].map((i) => this.#networks[`detector${i}`]), detector, photo);
    if (!faces.length) throw new Refusal("no-face", "No face was found in this photo.");
    const inLayout = cropRect(crop, size, layout.size.width, layout.size.height);
    const notes = turns ? [`No face stands upright: found, and edited, turned by ${turns === 2 ? 180 : 90} degrees.`] : [];
    this.#photo = photo;
    this.#views = faces.map(({ points }) => ({ points, place: alignedPlace(fitSimilarity(points, layout.points), inLayout) }));
    return { x: 0, y: 0, width: photo.width, height: photo.height, faces: faces.map(({ points, ...box }) => box), notes };
  }

  /**
   * What a face shows.
   * @returns {source, notes}  source: a boolean for each attribute, or null where nothing can tell
   */
  async look(face) {
    const view = this.#views[face], notes = [];
    await this.#see(view);
    if (view.points) {
      const inside = shareInside(view.place, this.#photo.width, this.#photo.height);
      if (inside < 0.8) notes.push(`${Math.round(100 * (1 - inside))} % of what the networks see around the face lies outside of the photo: expect less of the edit.`);
      notes.push(...this.#notesOnSize(view.place));
    }
    if (await this.#isUnlike(view)) {
      const { trained_on: known } = this.#description;
      notes.push(`The photo is unlike those that the model was trained on${known ? ` (${known})` : ""}: expect little of the edit.`);
    }
    return { source: view.source, notes };
  }

  /**
   * @param faces  [{face, edits: [{name, strength}], source}]
   * @param exact  changes only where attributes can show
   * @param masks  shows what the mask branch makes of it, too
   * @returns {picture, masks: {before, after} | undefined}, the caller's own
   */
  async edit(faces, { exact = false, masks = false } = {}) {
    let picture = copyOf(this.#photo);
    for (const { face, edits, source } of faces) {
      if (!edits.length) continue;
      const view = this.#views[face];
      const edited = await this.#edited(view, edits, source, exact);
      if (!view.points) {
        picture = edited;
        continue;
      }
      const weights = this.#placed(view)(await this.#head(view.crop, edited));
      // An exact edit is a change, or else the face would be sampled anew where nothing changes.
      if (exact || this.#keepsDetail(view.place)) putBack(picture, view.place, view.crop, edited, weights);
      else putOver(picture, view.place, edited, weights);
    }
    return { picture, masks: masks ? await this.#masks(faces) : undefined };
  }

  /** The edited photo's file, with its provenance. */
  async save(faces, { exact, kind }) {
    const { picture } = await this.edit(faces, { exact });
    const edits = faces.flatMap(({ edits }) => edits.map(({ name, strength }) => `${name}=${strength}`));
    const made = { ...this.#description.provenance, edits: [...new Set(edits)] };
    return new Blob([withProvenance(await encoded(picture, kind), made)], { type: kind });
  }

  /** How much of the face's edit is seen where, once the head is known. */
  #placed(view) {
    const others = this.#views.filter((other) => other !== view).map(({ points }) => points);
    return (view.blending ??= blending(this.#description.layout, view.place, view.points, others));
  }

  #isAligned({ width, height }) {
    const { size } = this.#description.layout;
    if (size.width === width && size.height === height) return true;
    const shaped = Math.abs(size.width * 218 - size.height * 178) <= (178 + 218) / 2;
    return shaped && [1, 2, 4].some((by) => width === 89 * by && height === 109 * by);
  }

  #notesOnSize({ width, height }) {
    const { image_size: side } = this.#description, long = Math.max(width, height), out = [];
    if (long > 1.1 * Math.min(width, height))
      out.push(`The networks see ${width} × ${height} pixels squeezed to a square, as no face was that they were trained on.`);
    if (long >= side / 2) return out;
    return [...out, `The photo gives the networks ${width} × ${height} pixels, they take ${side} × ${side}: the edit is as blurred as that.`];
  }

  #keepsDetail({ width, height }) {
    return Math.max(width, height) > this.#description.image_size;
  }

  /** Cuts a face out, and asks the classifier, once. */
  async #see(view) {
    if (view.input) return;
    const { image_size: side } = this.#description;
    view.crop ??= cutOut(this.#photo, view.place);
    view.input = toMap(resized(view.crop, side, side));
    const { classifier } = this.#networks;
    view.source = classifier ? Array.from((await this.#run(classifier, "photo", view.input)).data, (share) => share > 0.5) : null;
  }

  async #run(network, name, map, attributes) {
    const input = { [name]: { data: map.data, dims: [1, map.channels, map.height, map.width] } };
    if (attributes) input.attributes = { data: attributes, dims: [1, attributes.length] };
    const { data, dims } = await network(input);
    return { channels: dims[1], height: dims[2], width: dims[3], data };
  }

  /** What the generators take for an edit. */
  #condition(source, wanted) {
    const { conditioning, intensity } = this.#description;
    const from = { difference: () => 0, "signed-labels": (has) => has - 0.5, labels: (has) => +has }[conditioning];
    return Float32Array.from(wanted, (strength, i) => from(source[i]) + intensity * strength);
  }

  /** The generator's picture of the photo without an edit; kept while the source stays. */
  async #rebuilt(view, source) {
    const key = source.map(Number).join("");
    if (view.rebuilt?.key !== key) {
      const nothing = this.#condition(source, new Float32Array(source.length));
      view.rebuilt = { key, map: await this.#run(this.#networks.generator, "photo", view.input, nothing) };
    }
    return view.rebuilt.map;
  }

  async #edited(view, edits, source, exact) {
    await this.#see(view);
    const { width, height } = view.place;
    const wanted = difference(this.#description.attributes, source, edits);
    const edit = await this.#run(this.#networks.generator, "photo", view.input, this.#condition(source, wanted));
    if (!edit.data.every(Number.isFinite)) throw new Refusal("numbers", "The edit has no finite values: the strengths are too large.");
    let map;
    if (this.#keepsDetail(view.place)) {
      const rebuilt = await this.#rebuilt(view, source), change = makeMap(3, edit.width, edit.height);
      for (let i = 0; i < change.data.length; ++i) change.data[i] = edit.data[i] - rebuilt.data[i];
      map = resizedMap(change, width, height);
      const own = toMap(view.crop);
      for (let i = 0; i < map.data.length; ++i) map.data[i] += own.data[i];
    } else {
      map = resizedMap(edit, width, height);
    }
    const out = toPicture(map);
    if (!exact) return out;
    const weights = regionWeights(await this.#region(view, source, wanted), width, height);
    for (let i = 0; i < width * height; ++i) {
      for (let at = 4 * i; at < 4 * i + 3; ++at) {
        const level = view.crop.data[at];
        out.data[at] = weights.data[i] > 0 ? level + weights.data[i] * (out.data[at] - level) : level;
      }
    }
    return out;
  }

  async #parsed(view) {
    view.parse ??= await this.#run(this.#networks.parser, "photo", view.input);
    return view.parse;
  }

  /** Classes of the parse, and of the mask branch's edit of it. */
  async #maskEdit(view, source, wanted) {
    const before = largestChannel(await this.#parsed(view)), { width, height } = view.input;
    const segmentation = makeMap(this.#description.classes.length, width, height);
    before.forEach((id, pixel) => (segmentation.data[id * width * height + pixel] = 1));
    const after = largestChannel(await this.#run(this.#networks.mask_generator, "mask", segmentation, this.#condition(source, wanted)));
    return { before, after, width, height };
  }

  /** Pixels that an edit may touch, as evaluation defines them. */
  async #region(view, source, wanted) {
    const { before, after, width, height } = await this.#maskEdit(view, source, wanted);
    const margin = Math.round((3 * height) / 64), out = makeMap(1, width, height);
    this.#description.attributes.forEach(({ region }, place) => {
      if (!wanted[place]) return;
      const inside = makeMap(1, width, height);
      for (let i = 0; i < before.length; ++i) inside.data[i] = region.includes(before[i]) || region.includes(after[i]) ? 1 : 0;
      grown(inside, margin).data.forEach((value, i) => (out.data[i] = Math.max(out.data[i], value)));
    });
    return out;
  }

  /** Probability of any class of a head, before or after; nothing without a parser. */
  async #head(before, after) {
    if (!this.#networks.parser) return undefined;
    const { image_size: side, classes } = this.#description, last = (classes.length - 1) * side * side;
    const maps = [];
    for (const picture of [before, after]) maps.push(await this.#run(this.#networks.parser, "photo", toMap(resized(picture, side, side))));
    const out = makeMap(1, side, side);
    for (let i = 0; i < side * side; ++i) out.data[i] = 1 - Math.min(...maps.map(({ data }) => data[last + i]));
    return out;
  }

  /** The mask branch's view of the faces, in the classes' colors. */
  async #masks(faces) {
    const before = makePicture(this.#photo.width, this.#photo.height), after = makePicture(this.#photo.width, this.#photo.height);
    const { attributes, classes } = this.#description;
    for (const out of [before, after]) {
      // Around the faces the photo, pale.
      for (let i = 0; i < out.data.length; ++i) out.data[i] = i % 4 === 3 ? 255 : 160 + 0.375 * this.#photo.data[i];
    }
    for (const { face, edits, source } of faces) {
      const view = this.#views[face];
      await this.#see(view);
      const found = await this.#maskEdit(view, source, difference(attributes, source, edits));
      for (const [ids, out] of [[found.before, before], [found.after, after]]) {
        const colors = makePicture(found.width, found.height);
        ids.forEach((id, pixel) => colors.data.set([...classes[id].color, 255], 4 * pixel));
        const large = enlargedPicture(colors, view.place.width, view.place.height);
        if (view.points) putColors(out, view.place, large);
        else out.data.set(large.data);
      }
    }
    return { before, after };
  }

  /** A photo whose like the networks have never seen: rebuilt badly, or, of drawn faces, parsed without being sure. */
  async #isUnlike(view) {
    if (this.#keepsDetail(view.place) && view.source && psnr(await this.#rebuilt(view, view.source), view.input) < 18) return true;
    if (this.#description.trained_on !== "drawn faces" || !this.#networks.parser) return false;
    const { channels, width, height, data } = await this.#parsed(view), area = width * height;
    let sum = 0;
    for (let i = 0; i < area; ++i) {
      let most = 0;
      for (let channel = 0; channel < channels; ++channel) most = Math.max(most, data[channel * area + i]);
      sum += most;
    }
    return sum / area < 0.945;
  }
}

function enlargedPicture(picture, width, height) {
  const out = makePicture(width, height);
  const from = new Uint32Array(picture.data.buffer), to = new Uint32Array(out.data.buffer);
  for (let y = 0, at = 0; y < height; ++y) {
    const row = Math.trunc(((y + 0.5) * picture.height) / height) * picture.width;
    for (let x = 0; x < width; ++x, ++at) to[at] = from[row + Math.trunc(((x + 0.5) * picture.width) / width)];
  }
  return out;
}
