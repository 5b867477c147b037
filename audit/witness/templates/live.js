// Keeps the status page fresh. The server writes all words: upon an event the page is fetched again, and what changed in
// its live parts is put in their place. Without this script the page is the same, and its link refreshes it.
"use strict";
(() => {
  const PAUSE = 1000; // milliseconds between two fetches
  const AGES = 15000; // milliseconds until the ages on the page are renewed
  const KINDS = ["entry", "checkpoint", "gate", "finding", "incident", "gap"];
  const button = document.getElementById("pause");
  const liveness = document.getElementById("liveness");
  let source = null;
  let timer = null;
  let busy = false;
  let again = false;

  function show(kind) {
    liveness.hidden = false;
    liveness.dataset.kind = kind;
    liveness.textContent = kind === "good" ? button.dataset.liveText : button.dataset.pausedText;
  }

  function replace(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
    // A status is read aloud when its text changes, as long as the element itself stays.
    const [status, news] = [old, fresh].map((part) => part.querySelector('[role="status"]'));
    if (status && news) {
      if (status.textContent !== news.textContent) status.textContent = news.textContent;
      return;
    }
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    old.replaceChildren(...fresh.childNodes);
    if (focused !== null) [...old.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
  }

  async function refresh() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store", credentials: "omit" });
      if (!answer.ok) throw new Error();
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (source !== null) {
        for (const part of document.querySelectorAll("[data-live]")) {
          const found = fresh.getElementById(part.id);
          if (found !== null) replace(part, document.adoptNode(found));
        }
        show("good");
      }
    } catch {
      if (source !== null) show("waiting");
    }
    await new Promise((done) => setTimeout(done, PAUSE));
    busy = false;
    if (again) {
      again = false;
      if (source !== null) refresh();
    }
  }

  function listen() {
    source = new EventSource("events");
    for (const kind of KINDS) source.addEventListener(kind, refresh);
    source.addEventListener("open", refresh);
    source.addEventListener("error", () => source !== null && show("waiting"));
    timer = setInterval(() => {
      // A full house turns a reader away for good; the ages' beat is then its way back.
      if (source.readyState === EventSource.CLOSED) {
        stop();
        listen();
      }
      refresh();
    }, AGES);
    button.setAttribute("aria-pressed", "false");
  }

  function stop() {
    clearInterval(timer);
    source.close();
    source = null;
  }

  button.addEventListener("click", () => {
    if (source === null) {
      listen();
    } else {
      stop();
      show("waiting");
      button.setAttribute("aria-pressed", "true");
    }
  });
  button.hidden = false;
  listen();
})();
