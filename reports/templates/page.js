// Puts the charts in, and answers what a reader selects. It computes nothing: every number and sentence is in #data.
"use strict";
(async () => {
  async function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  }
  const page = { ...JSON.parse(document.getElementById("data").textContent), ...await unpacked(document.getElementById("scenes").textContent) };
  const byId = (id) => document.getElementById(id);
  const value = (text) => (text === "inf" ? Infinity : text === "-inf" ? -Infinity : text);
  const views = new Map();
  window.backproof = { views, errors: [], drawn: 0 };

  // Charts -----------------------------------------------------------------------------------------------------------

  function config() {
    const style = getComputedStyle(document.documentElement);
    const text = style.getPropertyValue("--text").trim(), faint = style.getPropertyValue("--faint").trim();
    const edge = style.getPropertyValue("--edge").trim();
    const font = "system-ui, 'DejaVu Sans', sans-serif";
    return {
      background: null, font, view: { stroke: edge }, title: { color: text },
      axis: { labelColor: faint, titleColor: faint, gridColor: edge, domainColor: edge, tickColor: edge, gridOpacity: 0.6,
              titleFontWeight: "normal", labelFontSize: 11, titleFontSize: 12 },
      legend: { labelColor: text, titleColor: faint, titleFontWeight: "normal", labelFontSize: 12 },
      header: { labelColor: text, titleColor: faint },
    };
  }

  const lighter = { "#0072b2": "#4aa3df", "#d55e00": "#f08a4b", "#009e73": "#2fc49a", "#8c6d31": "#c9a864", "#7f7f7f": "#b0b0b0" };
  function themed(spec) {
    if (document.documentElement.dataset.theme !== "dark") return structuredClone(spec);
    const { datasets, ...drawn } = spec;
    return { ...JSON.parse(JSON.stringify(drawn).replace(/"#[0-9a-f]{6}"/g, (text) => JSON.stringify(lighter[JSON.parse(text)] || JSON.parse(text)))), datasets };
  }

  function fitted(spec, place) {
    const width = place.clientWidth;
    const narrow = (part) => {
      if (!part || typeof part !== "object") return;
      if (part.legend?.columns) part.legend.columns = Math.max(1, Math.min(part.legend.columns, Math.floor((width - 40) / 90)));
      Object.entries(part).forEach(([key, inside]) => { if (key !== "datasets") narrow(inside); });
    };
    narrow(spec);
    if (place.closest(".square")) spec.height = Math.max(200, Math.min(spec.height, width - 130));
    return spec;
  }

  async function draw(name, datasets) {
    for (const place of document.querySelectorAll(`[data-chart="${name}"]`)) {
      if (place.closest("[hidden]")) continue;
      const chart = page.charts[name];
      if (!chart) continue;
      const spec = fitted(themed(chart.spec), place);
      spec.datasets = { ...(spec.datasets || {}), ...(datasets || {}) };
      const options = { config: config(), actions: { export: true, source: false, compiled: false, editor: false },
                        renderer: chart.renderer, tooltip: { theme: document.documentElement.dataset.theme } };
      try {
        views.get(name)?.finalize();
        const made = await vegaEmbed(place, spec, options);
        views.set(name, made.view);
        window.backproof.drawn += 1;
      } catch (error) {
        window.backproof.errors.push(`${name}: ${error}`);
        place.textContent = "This chart could not be drawn.";
      }
    }
  }

  // Theme ------------------------------------------------------------------------------------------------------------

  const theme = byId("theme");
  function named() {
    const isDark = document.documentElement.dataset.theme === "dark";
    theme.setAttribute("aria-pressed", String(isDark));
    byId("theme-name").textContent = isDark ? "light" : "dark";
  }
  theme.addEventListener("click", async () => {
    const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = other;
    try { localStorage.setItem("backproof-theme", other); } catch { /* as above */ }
    named();
    await drawAll();
  });

  // Details of a cell -------------------------------------------------------------------------------------------------

  const dialog = byId("details");
  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }
  function showPart(cell, part) {
    byId("details-equation").innerHTML = page.formulas[part.formula]; // made and escaped by reports/typeset.py
    byId("details-verdict").textContent = part.said;
    byId("details-list").replaceChildren(...part.details.flatMap(([term, said]) => [element("dt", term), element("dd", said)]));
    for (const tab of byId("details-layers").children) tab.setAttribute("aria-pressed", String(tab.dataset.quantity === part.quantity));
    byId("details-through").hidden = !byId("errors-quantity");
    byId("details-through").onclick = () => {
      dialog.close();
      byId("errors-quantity").value = part.quantity;
      byId("errors-precision").value = cell.precision;
      drawErrors();
      byId("errors").scrollIntoView();
    };
  }
  for (const button of document.querySelectorAll("[data-cell]")) {
    button.addEventListener("click", () => {
      const cell = page.cells[button.dataset.cell];
      byId("details-title").textContent = cell.title;
      byId("details-layers").replaceChildren(...cell.parts.map((part) => {
        const tab = element("button", `${part.symbol} ${part.quantity}`, part.level);
        tab.type = "button";
        tab.dataset.quantity = part.quantity;
        tab.addEventListener("click", () => showPart(cell, part));
        return tab;
      }));
      byId("details-layers").hidden = cell.parts.length < 2;
      byId("details-forms").replaceChildren(...cell.forms.flatMap((name) => {
        const form = page.dialects[name] || { choice: "", says: "", source: "" };
        const said = element("dd", form.says);
        said.append(element("span", form.source, "source"));
        return [element("dt", form.choice ? `${name} (${form.choice})` : name), said];
      }));
      byId("details-forms-title").textContent = cell.forms.length ? "Judged in these dialects, and why they are legitimate" : "Judged in the textbook's form";
      showPart(cell, cell.parts[cell.worst]);
      dialog.showModal();
    });
  }
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  // Choosing between panels --------------------------------------------------------------------------------------------

  function show(panel, value) {
    for (const part of document.querySelectorAll(`[data-panel="${panel}"]`)) part.hidden = part.dataset.value !== value;
  }
  for (const radio of document.querySelectorAll(".segmented input")) {
    radio.addEventListener("change", async () => {
      show(radio.name, radio.value);
      for (const place of document.querySelectorAll(`[data-panel="${radio.name}"]:not([hidden]) [data-chart]`)) await draw(place.dataset.chart);
    });
  }
  byId("pair")?.addEventListener("change", (event) => show("pair", event.target.value));

  // Errors through the steps -------------------------------------------------------------------------------------------

  function drawErrors() {
    if (!page.errors || !byId("errors-quantity")) return Promise.resolve();
    const quantity = byId("errors-quantity").value, precision = byId("errors-precision").value;
    const rows = page.errors.rows.filter((row) => row.quantity === quantity && row.precision === precision);
    const every = Math.max(1, Math.ceil(page.errors.steps.length / 6));
    const last = Math.max(5, ...rows.map((row) => row.counts.findLastIndex((count) => count > 0)));
    const through = rows.flatMap((row, k) => row.worst.map((worst, bin) => ({
      run: row.implementation, number: k, step: page.errors.steps[bin][0], worst: value(worst),
      mark: (bin + every - 1 - Math.floor(every * k / rows.length)) % every === 0,
      steps: page.errors.steps[bin][0] === page.errors.steps[bin][1] ? `${page.errors.steps[bin][0]}` : page.errors.steps[bin].join(" to "),
    })));
    const counts = rows.flatMap((row, number) => row.counts.slice(0, last + 1).map((count, at) => ({
      run: row.implementation, error: page.errors.labels[at], number, at, count, share: row.total ? count / row.total : 0,
    })));
    return Promise.all([draw("errors", { errors: through }), draw("histogram", { counts: [...page.charts.histogram.spec.datasets.counts, ...counts] })]);
  }
  byId("errors-quantity")?.addEventListener("change", drawErrors);
  byId("errors-precision")?.addEventListener("change", drawErrors);

  // The decision boundary ----------------------------------------------------------------------------------------------

  const bytes = new Map();
  function decoded(key, text) {
    if (!bytes.has(key)) bytes.set(key, Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
    return bytes.get(key);
  }
  function cells(scene, n, levels, frame) {
    const [x0, x1] = scene.x, [y0, y1] = scene.y, width = (x1 - x0) / n, height = (y1 - y0) / n, rows = [];
    for (let row = 0; row < n; row += 1) for (let column = 0; column < n; column += 1) {
      rows.push({ x: x0 + width * column, x2: x0 + width * (column + 1.3), y: y0 + height * row, y2: y0 + height * (row + 1.3),
                  level: levels[frame * n * n + row * n + column] });
    }
    return rows;
  }
  function lines(polylines) {
    return polylines.flatMap((line, number) => {
      const points = [];
      for (let k = 0; k < line.length; k += 2) points.push({ line: number, at: k / 2, x: line[k], y: line[k + 1] });
      return points;
    });
  }
  const scene = page.boundaries;
  const chosen = () => scene.runs[Number(byId("boundary-run").value)];
  function pairs() {
    const run = chosen();
    return (scene.pairs || []).filter((pair) => pair.precision === run.precision && (pair.one === run.implementation || pair.other === run.implementation));
  }
  function listPairs() {
    const select = byId("boundary-pair");
    if (!select) return;
    const run = chosen();
    select.replaceChildren(...pairs().map((pair, at) => {
      const option = element("option", `its difference from ${pair.one === run.implementation ? pair.other : pair.one}`);
      option.value = String(at);
      return option;
    }));
  }
  function frameData() {
    const frame = Number(byId("epoch").value), run = chosen(), at = scene.runs.indexOf(run);
    const pair = pairs()[Number(byId("boundary-pair")?.value || 0)];
    byId("epoch-is").textContent = String(scene.epochs[frame]);
    byId("boundary-said").textContent = page.frames[at][frame] + (pair ? ` ${page.pairFrames[scene.pairs.indexOf(pair)][frame]}` : "");
    return {
      heat: { cells: cells(scene, scene.n, decoded(`run ${at}`, run.probabilities), frame), lines: lines(run.lines[frame]) },
      apart: pair && { cells: cells(scene, pair.n, decoded(`pair ${scene.pairs.indexOf(pair)}`, pair.levels), frame) },
    };
  }
  async function drawBoundary() {
    if (!scene || !byId("epoch")) return;
    const data = frameData();
    await draw("boundary", data.heat);
    if (data.apart) await draw("boundary-difference", data.apart);
  }
  async function moveBoundary() {
    const data = frameData(), heat = views.get("boundary"), apart = views.get("boundary-difference");
    if (heat) { heat.data("cells", data.heat.cells); heat.data("lines", data.heat.lines); await heat.runAsync(); }
    if (apart && data.apart) { apart.data("cells", data.apart.cells); await apart.runAsync(); }
  }
  if (scene && byId("epoch")) {
    let playing = null;
    const slider = byId("epoch"), play = byId("play");
    const stop = () => { playing = null; play.setAttribute("aria-label", "Play"); play.firstElementChild.textContent = "▶"; };
    const step = async () => {
      const mine = playing;
      while (playing === mine && Number(slider.value) < Number(slider.max)) {
        slider.value = String(Number(slider.value) + 1);
        await moveBoundary();
        await new Promise((wake) => setTimeout(wake, 90));
      }
      if (playing === mine) stop();
    };
    slider.addEventListener("input", () => { stop(); moveBoundary(); });
    play.addEventListener("click", () => {
      if (playing) { stop(); return; }
      if (slider.value === slider.max) slider.value = "0";
      playing = {}; play.setAttribute("aria-label", "Pause"); play.firstElementChild.textContent = "❚❚";
      moveBoundary().then(step);
    });
    byId("boundary-run").addEventListener("change", () => { listPairs(); drawBoundary(); });
    byId("boundary-pair")?.addEventListener("change", drawBoundary);
    listPairs();
  }

  // Numbers in the drawings ----------------------------------------------------------------------------------------------

  function written(x) {
    if (x === undefined) return "–";
    if (x === null) return "NaN";
    x = value(x);
    if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
    const size = Math.abs(x);
    const text = x === 0 || (size >= 1e-3 && size < 1000) ? x.toFixed(3) : x.toExponential(1).replace(/e([+-])(\d)$/, "e$10$2");
    return text.replaceAll("-", "−");
  }
  function valueOf(values, quantity, index) {
    let found = values[quantity];
    if (!Array.isArray(found) && index.every((i) => i === 0)) return found;
    for (const i of index) found = Array.isArray(found) ? found[i] : undefined;
    return Array.isArray(found) ? undefined : found;
  }
  function fill() {
    const run = page.snapshots.runs[Number(byId("snapshot-run").value)], values = run.values[Number(byId("snapshot-step").value)];
    for (const place of document.querySelectorAll("svg [data-q]")) {
      const index = place.dataset.i ? place.dataset.i.split(",").map(Number) : [];
      place.textContent = (place.dataset.before || "") + written(valueOf(values, place.dataset.q, index));
    }
    for (const line of document.querySelectorAll("svg [data-w]")) {
      const w = valueOf(values, line.dataset.w, line.dataset.i.split(",").map(Number));
      const known = typeof w === "number";
      line.setAttribute("class", `weight ${known && w < 0 ? "minus" : "plus"}`);
      line.setAttribute("stroke-width", known ? Math.min(0.3 + 2.2 * Math.abs(w), 5).toFixed(1) : "0.3");
      if (known && w < 0) line.setAttribute("stroke-dasharray", "5 3"); else line.removeAttribute("stroke-dasharray");
      line.firstElementChild.textContent = `${line.dataset.w}[${line.dataset.i.replace(",", ", ")}] = ${written(w)}`;
    }
  }
  byId("snapshot-run")?.addEventListener("change", fill);
  byId("snapshot-step")?.addEventListener("change", fill);

  // ------------------------------------------------------------------------------------------------------------------------

  byId("copy").addEventListener("click", async () => {
    const text = byId("command").textContent;
    try { await navigator.clipboard.writeText(text); } catch {
      const range = document.createRange();
      range.selectNodeContents(byId("command"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    byId("copy").textContent = "copied";
    setTimeout(() => { byId("copy").textContent = "copy"; }, 1500);
  });

  const own = new Set(["errors", "histogram", "boundary", "boundary-difference"]);
  async function drawAll() {
    for (const place of document.querySelectorAll("[data-chart]")) if (!own.has(place.dataset.chart)) await draw(place.dataset.chart);
    await drawErrors();
    await drawBoundary();
    window.backproof.ready = true;
  }
  named();
  drawAll();
})();
