// Shows the page anew every few seconds and keeps the place: focus, scrolling, what is open, what is selected. Without it
// the browser loads the page again. A page that is no longer true says so.
"use strict";
(() => {
  const script = document.currentScript;
  const every = 1000 * Number(script.dataset.seconds);
  const old = document.createElement("p");
  old.className = "bad";
  old.setAttribute("role", "alert");
  const said = document.createElement("p");
  said.className = "hidden";
  said.setAttribute("role", "status");
  const main = () => document.querySelector("main");
  main().before(old, said);
  let shown = Date.now();
  let busy = false;

  const keyOf = (element) => element?.id || element?.getAttribute("href") || element?.getAttribute("aria-label");
  const same = (root, element, key) =>
    key && [...root.querySelectorAll(element.tagName)].find((other) => keyOf(other) === key);

  function show(fresh) {
    const before = main();
    const after = fresh.querySelector("main");
    if (!after) throw new Error("this is no page of the exporter");
    if (!getSelection().isCollapsed || before.innerHTML === after.innerHTML) return;
    for (const open of before.querySelectorAll("details[open]")) {
      const again = same(after, open, keyOf(open));
      if (again) again.open = true;
    }
    const focus = before.contains(document.activeElement) ? document.activeElement : null;
    const wide = [...before.querySelectorAll(".wide")].map((part) => [part, part.scrollLeft]);
    if (before.querySelector("h1")?.textContent !== after.querySelector("h1")?.textContent) {
      said.textContent = after.querySelector("h1")?.textContent ?? "";
    }
    document.title = fresh.title;
    before.replaceWith(document.adoptNode(after));
    for (const [part, left] of wide) {
      const again = same(main(), part, keyOf(part));
      if (again) again.scrollLeft = left;
    }
    if (focus) same(main(), focus, keyOf(focus))?.focus({ preventScroll: true });
  }

  async function look() {
    if (busy) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(4000) });
      if (!answer.ok) throw new Error(`it answers ${answer.status}`);
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      shown = Date.now();
      old.textContent = "";
    } catch (error) {
      const seconds = Math.round((Date.now() - shown) / 1000);
      old.textContent = `This is not true any more: the exporter was last heard ${seconds} s ago.`;
    } finally {
      busy = false;
    }
  }

  setInterval(look, every);
  document.addEventListener("visibilitychange", look);
})();
