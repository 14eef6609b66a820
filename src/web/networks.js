// The ONNX models and onnxruntime-web, which runs them on the processor (WebAssembly) or the graphics card (WebGPU).

/** Bytes of a file of the page; `progress` is told of each piece's length. What is stored compressed comes back whole. */
async function bytesOf(url, progress) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url.pathname} cannot be loaded (${answer.status})`);
  const reader = answer.body.getReader(), parts = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    progress(value.length);
  }
  const blob = new Blob(parts);
  // A server may have unpacked it already, so its first bytes tell.
  const [first, second] = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  if (first !== 0x1f || second !== 0x8b) return blob.arrayBuffer();
  return new Response(blob.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/** Whether a real graphics card is there, and a browser that lets WebAssembly wait for it. */
async function hasGraphics() {
  if (!navigator.gpu || !("Suspending" in WebAssembly)) return false;
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  return Boolean(adapter) && !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter);
}

/**
 * @param base  the page's folder   @param description  model.json
 * @param engine  "wasm", "webgpu", or "auto": the graphics card for networks of more than 64 pixels, where there is one
 * @param progress  (loaded, total) in bytes
 * @returns {networks, engine}
 */
export async function loadNetworks(base, description, engine, progress) {
  const { files, image_size: side } = description;
  const graphics = engine === "webgpu" || (engine === "auto" && side > 64 && (await hasGraphics()));
  const runtime = graphics ? "webgpu" : "wasm";
  const binary = `runtime/ort.${runtime}.bin`, models = Object.keys(files).filter((name) => name.endsWith(".onnx"));
  const total = [binary, ...models].reduce((sum, name) => sum + files[name], 0);
  let loaded = 0;
  const load = (name) =>
    bytesOf(new URL(name, base), (length) => {
      loaded += length;
      progress(Math.min(loaded, total), total);
    });
  try {
    const [ort, wasm, ...bytes] = await Promise.all([import(new URL(`runtime/ort.${runtime}.js`, base)), load(binary), ...models.map(load)]);
    ort.env.wasm.wasmBinary = wasm;
    // Threads need headers that plain file servers do not send.
    ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, 4) : 1;
    ort.env.logLevel = "error";
    const networks = {};
    for (let i = 0; i < models.length; ++i) {
      // The detector's windows have many sizes, for each of which a graphics card would be prepared anew.
      const name = models[i].replace(/^networks\/|\.onnx$/g, "");
      const providers = graphics && !name.startsWith("detector") ? ["webgpu", "wasm"] : ["wasm"];
      networks[name] = callable(ort, await ort.InferenceSession.create(new Uint8Array(bytes[i]), { executionProviders: providers }));
    }
    return { networks, engine: runtime };
  } catch (error) {
    if (!graphics || engine === "webgpu") throw error;
    return loadNetworks(base, description, "wasm", progress);
  }
}

function callable(ort, session) {
  const [output] = session.outputNames;
  return async (inputs) => {
    const feeds = {};
    for (const [name, { data, dims }] of Object.entries(inputs)) feeds[name] = new ort.Tensor("float32", data, dims);
    const { [output]: found } = await session.run(feeds);
    return { data: found.data, dims: found.dims };
  };
}
