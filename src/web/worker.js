// All that takes time, beside the page: it never waits for a network. Messages are {id, call, args}, answers {id, result} or {id, error}.

import { Editor } from "./editing.js";
import { cropped, decoded, encoded } from "./image.js";
import { loadNetworks } from "./networks.js";
import { withProvenance } from "./provenance.js";

const base = new URL(".", import.meta.url);
let description, editor;

const calls = {
  async load({ engine }) {
    const answer = await fetch(new URL("model.json", base));
    if (!answer.ok) throw new Error(`model.json cannot be loaded (${answer.status})`);
    description = await answer.json();
    postMessage({ description });
    const loaded = await loadNetworks(base, description, engine, (done, total) => postMessage({ progress: done / total }));
    editor = new Editor(description, loaded.networks);
    return { engine: loaded.engine };
  },
  async open({ blob, middle }) {
    const photo = await decoded(blob);
    const { x, y, width, height, ...opened } = await editor.open(photo, { middle });
    return { ...opened, picture: cropped(photo, { x, y, width, height }) };
  },
  look: ({ face }) => editor.look(face),
  async edit({ faces, exact, masks }) {
    const begin = performance.now();
    const result = await editor.edit(faces, { exact, masks });
    return { ...result, milliseconds: performance.now() - begin };
  },
  async save({ faces, exact, kind }) {
    const { picture } = await editor.edit(faces, { exact });
    const edits = faces.flatMap(({ edits }) => edits.map(({ name, strength }) => `${name}=${strength}`));
    return new Blob([withProvenance(await encoded(picture, kind), { ...description.provenance, edits: [...new Set(edits)] })], { type: kind });
  },
};

/** What is made for the page alone, and need not be copied on its way. */
const pictures = ({ picture, masks }) => [picture, masks?.before, masks?.after].filter(Boolean);

// One after the other, in the order in which they were asked.
let last = Promise.resolve();
onmessage = ({ data: { id, call, args } }) => {
  last = last.then(async () => {
    try {
      const result = await calls[call](args);
      postMessage({ id, result }, pictures(result).map(({ data }) => data.buffer));
    } catch (error) {
      postMessage({ id, error: { kind: error.kind ?? "unexpected", message: error.message } });
    }
  });
};
