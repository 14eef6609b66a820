// A service worker: keeps the page's files, so that it works without a network after a first visit. With one, files come from it.

const KEPT = "secgan page";

addEventListener("install", (event) => {
  const keep = async () => {
    const cache = await caches.open(KEPT);
    const { files } = await (await fetch("model.json")).json();
    const needed = Object.keys(files).filter((name) => !name.startsWith("runtime/ort.webgpu")); // kept when it is first used
    await cache.addAll([".", "model.json", ...needed]);
    await skipWaiting();
  };
  event.waitUntil(keep());
});
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(registration.scope)) return;
  if (request.url.startsWith(`${registration.scope}api/`)) return; // of secgan serve, at the same address later on
  const answer = async () => {
    const cache = await caches.open(KEPT);
    try {
      const found = await fetch(request);
      if (found.ok) event.waitUntil(cache.put(request, found.clone()));
      return found;
    } catch (error) {
      const kept = await cache.match(request, { ignoreSearch: true });
      if (kept) return kept;
      throw error;
    }
  };
  event.respondWith(answer());
});
