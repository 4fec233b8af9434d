// Finds facts by their words, opens the one that a link names, and switches the theme.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const entries = [...document.querySelectorAll(".fact-entry")];
  const words = entries.map((entry) => entry.textContent.toLowerCase());
  byId("find").addEventListener("input", () => {
    const wanted = byId("find").value.toLowerCase().split(/\s+/).filter(Boolean);
    entries.forEach((entry, at) => { entry.hidden = !wanted.every((word) => words[at].includes(word)); });
    for (const area of document.querySelectorAll(".area")) area.hidden = [...area.querySelectorAll(".fact-entry")].every((entry) => entry.hidden);
    byId("conventions").hidden = wanted.length > 0;
    byId("found").textContent = wanted.length ? `${entries.filter((entry) => !entry.hidden).length} of ${entries.length}` : "";
  });
  const open = () => { const entry = byId(decodeURIComponent(location.hash.slice(1))); if (entry instanceof HTMLDetailsElement) { entry.open = true; entry.scrollIntoView(); } };
  addEventListener("hashchange", open);
  open();
  const named = () => {
    const isDark = document.documentElement.dataset.theme === "dark";
    byId("theme").setAttribute("aria-pressed", String(isDark));
    byId("theme-name").textContent = isDark ? "light" : "dark";
  };
  byId("theme").addEventListener("click", () => {
    const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = other;
    try { localStorage.setItem("backproof-theme", other); } catch { /* a page from disk may have no storage */ }
    named();
  });
  named();
})();
