// A photo's edits by the server that gave out the page (openapi.json), with the calls of editing.js.

import { Refusal, cropped, decoded } from "./image.js";

/** Pictures of more pixels are shown as JPEG while sliders move: a PNG of them takes longer than their edit. */
const MOST_PNG_PIXELS = 1e6;
const MOST_TRIES = 10;
const AROUND = 0xffffffff; // white: what belongs to no face in a picture of classes

/** A sentence of the server's one-line message. */
const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

export class RemoteEditor {
  #base;
  #attributes;
  #mostBytes;
  #file; // {blob, middle}, to be sent again where the server has forgotten it
  #id;
  #picture; // what is shown of the photo
  #before; // {key, picture}: classes of the unedited photo

  constructor(base, { attributes, server }) {
    this.#base = new URL("api/photos", base);
    this.#attributes = attributes;
    this.#mostBytes = server.most_bytes;
  }

  async open(photo, { middle = false, blob }) {
    const file = { blob, middle };
    const { id, shown, faces, notes } = await this.#send(file);
    if (this.#id) fetch(this.#at(), { method: "DELETE" }).catch(() => {}); // the one before; the server forgets it anyway some time
    this.#file = file;
    this.#id = id;
    this.#before = undefined;
    this.#picture = cropped(photo, shown);
    return { ...shown, faces, notes: notes.map(sentence) };
  }

  async look(face) {
    const { source, notes } = await (await this.#ask(`/faces/${face}`)).json();
    return { source: source && this.#attributes.map(({ name }) => source[name]), notes: notes.map(sentence) };
  }

  /** The edited picture, or what the mask branch makes of it. */
  async edit(faces, { exact = false, masks = false } = {}) {
    const { width, height } = this.#picture;
    if (masks) return { masks: await this.#masks(faces) };
    return { picture: await decoded(await this.#edited(faces, exact, width * height > MOST_PNG_PIXELS ? "jpeg" : "png")) };
  }

  /** The edited photo's file, with its provenance. */
  save(faces, { exact, kind }) {
    return this.#edited(faces, exact, kind === "image/png" ? "png" : "jpeg");
  }

  async #edited(faces, exact, format) {
    return (await this.#ask("/edits", { faces: this.#asked(faces), region: exact ? "exact" : "free", format })).blob();
  }

  async #masks(faces) {
    const of = async (which) => this.#around(await decoded(await (await this.#ask("/masks", { faces: this.#asked(faces), of: which })).blob()));
    const key = faces.map(({ face }) => face).join();
    if (this.#before?.key !== key) this.#before = { key, picture: await of("before") };
    const { picture } = this.#before;
    return { before: { ...picture, data: picture.data.slice() }, after: await of("after") }; // the caller's own
  }

  /** Around the faces the photo, pale. */
  #around(classes) {
    const ids = new Uint32Array(classes.data.buffer), { data } = this.#picture;
    ids.forEach((id, pixel) => {
      if (id !== AROUND) return;
      for (let at = 4 * pixel; at < 4 * pixel + 3; ++at) classes.data[at] = 160 + 0.375 * data[at];
    });
    return classes;
  }

  /** What the server takes of faces. */
  #asked(faces) {
    return faces.map(({ face, edits, source }) => ({
      face,
      edits: Object.fromEntries(edits.map(({ name, strength }) => [name, strength])),
      source: Object.fromEntries(this.#attributes.map(({ name }, place) => [name, source[place]])),
    }));
  }

  #at(path = "") {
    return new URL(`${this.#base}/${this.#id}${path}`);
  }

  async #send({ blob, middle }) {
    if (blob.size > this.#mostBytes) {
      const megabytes = (bytes) => (bytes / 2 ** 20).toFixed(1);
      throw new Refusal("too-large", `This file has ${megabytes(blob.size)} MB. This server takes photos of up to ${megabytes(this.#mostBytes)}.`);
    }
    const type = blob.type.startsWith("image/") ? blob.type : "application/octet-stream";
    return (await answered(() => fetch(`${this.#base}?middle=${middle}`, { method: "POST", body: blob, headers: { "Content-Type": type } }))).json();
  }

  /** A question about the open photo, which is sent again where the server has forgotten it. */
  async #ask(path, body) {
    const options = body && { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
    const ask = () => answered(() => fetch(this.#at(path), options));
    try {
      return await ask();
    } catch (error) {
      if (error.kind !== "unknown-photo") throw error;
      this.#id = (await this.#send(this.#file)).id;
      return ask();
    }
  }
}

/** An answer that is no refusal; where the server asks for time it gets it. */
async function answered(send) {
  for (let tries = 1; ; ++tries) {
    const answer = await send().catch(() => {
      throw new Refusal("server", "The server cannot be reached.");
    });
    if (answer.ok) return answer;
    if ((answer.status === 429 || answer.status === 503) && tries < MOST_TRIES) {
      await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(Number(answer.headers.get("Retry-After")) || 1, 10)));
      continue;
    }
    const { error } = await answer.json().catch(() => ({ error: { kind: "server", message: `the server answers ${answer.status}` } }));
    if (error.kind === "no-face") throw new Refusal(error.kind, "No face was found in this photo.");
    throw new Refusal(error.kind, sentence(error.message));
  }
}
