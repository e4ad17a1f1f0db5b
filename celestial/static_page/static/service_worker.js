// Keeps the page's files in the browser, so that it works offline after the first visit.
"use strict";

// export_model.py writes here what the page consists of; a new export has another version.
const { VERSION, FILES } = JSON.parse('{{ content }}');
const PREFIX = `celestial ${self.registration.scope} `; // other pages of this host have their own

self.addEventListener("install", (event) => {
  const store = async () => {
    const cache = await caches.open(PREFIX + VERSION);
    await cache.addAll(FILES.map((name) => new Request(name, { cache: "no-cache" })));
    await self.skipWaiting();
  };
  event.waitUntil(store());
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== PREFIX + VERSION);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

self.addEventListener("fetch", (event) => {
  const answer = async () => {
    const cache = await caches.open(PREFIX + VERSION);
    return (await cache.match(event.request, { ignoreSearch: true })) ?? fetch(event.request);
  };
  if (event.request.method === "GET") event.respondWith(answer());
});
