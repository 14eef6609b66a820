// All that takes time, beside the page: it never waits for a network. Messages are {id, call, args}, answers {id, result} or {id, error}.

import { Editor } from "./editing.js";
import { cropped, decoded } from "./image.js";
import { loadNetworks } from "./networks.js";

const base = new URL(".", import.meta.url);
let editor;

/** Here, by networks of its own, or by the server that gave out the page. */
async function editorOf(description, engine) {
  if (description.server) {
    const { RemoteEditor } = await import("./remote.js");
    return { editor: new RemoteEditor(base, description), engine: "server" };
  }
  const loaded = await loadNetworks(base, description, engine, (done, total) => postMessage({ progress: done / total }));
  return { editor: new Editor(description, loaded.networks), engine: loaded.engine };
}

const calls = {
  async load({ engine }) {
    const answer = await fetch(new URL("model.json", base));
    if (!answer.ok) throw new Error(`model.json cannot be loaded (${answer.status})`);
    const description = await answer.json();
    postMessage({ description });
    const loaded = await editorOf(description, engine);
    editor = loaded.editor;
    return { engine: loaded.engine };
  },
  async open({ blob, middle }) {
    const photo = await decoded(blob);
    const { x, y, width, height, ...opened } = await editor.open(photo, { middle, blob });
    return { ...opened, picture: cropped(photo, { x, y, width, height }) };
  },
  look: ({ face }) => editor.look(face),
  async edit({ faces, exact, masks }) {
    const begin = performance.now();
    const result = await editor.edit(faces, { exact, masks });
    return { ...result, milliseconds: performance.now() - begin };
  },
  save: ({ faces, exact, kind }) => editor.save(faces, { exact, kind }),
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
