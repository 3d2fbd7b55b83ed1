// The network at the position: arcs of heads, the residual stream, the schedule.

function headsAt(data, here) {
  return data.network.fetches
    .map(({ name }, k) => [...data.network.heads[name], name, here.sources[k]])
    .sort((a, b) => a[0] - b[0]);
}

function drawAttention(app) {
  const { data, position } = app, body = byId("heads").tBodies[0];
  body.replaceChildren();
  byId("arcs").replaceChildren();
  byId("heads").hidden = !app.network;
  if (!app.network) {
    byId("evaluated").textContent = "The run is not one of a machine of this package: its network is not known.";
    return;
  }
  const here = app.network.at(position);
  byId("evaluated").textContent = `At position ${position} the network has read `
    + `"${data.vocabulary[data.tokens[position]]}" and chooses "${data.vocabulary[here.predicted]}".`;
  const heads = headsAt(data, here);
  heads.forEach(([layer, kind, , name, source], k) => {
    const line = make("tr", "", kind, { "data-head": k });
    for (const text of [layer, name, kind]) line.append(make("td", `${text}`));
    const where = make("td");
    if (source >= 0) {
      const button = make("button", `${source}`, "", { title: `to position ${source}` });
      button.addEventListener("click", () => app.go(source));
      where.append(button);
    } else where.textContent = "all so far";
    line.append(where, make("td", source >= 0 ? data.vocabulary[data.tokens[source]] : ""));
    body.append(line);
  });
  drawArcs(app, heads);
}

// Positions lie on an axis by the logarithm of their distance; what is far is squeezed together.
// Heads that attend to one position share an arc, and its label.
function drawArcs(app, heads) {
  const wide = byId("arcs").clientWidth || 900, width = Math.max(330, wide), height = 260, base = 220;
  const svg = drawing("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Arcs from this position to those that heads attend to; the table below says the same" });
  const far = Math.log2(2 + app.position);
  const x = (p) => width - 40 - ((width - 80) * Math.log2(1 + app.position - p)) / far;
  svg.append(drawing("line", { x1: 20, x2: width - 20, y1: base, y2: base, stroke: "var(--line)" }));
  const step = Math.ceil(far / (width / 75));
  for (let n = 0; n < far; n += step) {
    const p = app.position - (2 ** n - 1);
    if (p < 0) continue;
    svg.append(drawing("line", { x1: x(p), x2: x(p), y1: base, y2: base + 5, stroke: "var(--soft)" }));
    svg.append(drawing("text", { x: x(p), y: base + 18, "text-anchor": "middle" }, n ? `-${2 ** n - 1}` : "here"));
  }
  const rows = byId("heads").tBodies[0].rows, groups = new Map();
  heads.forEach(([, kind, , , source], k) => {
    const key = `${kind} ${source}`;
    if (source >= 0) groups.set(key, [...(groups.get(key) ?? []), k]);
  });
  const room = labels(width), above = [];
  for (const members of groups.values()) {
    const [, kind, , , source] = heads[members[0]], a = x(source), b = x(app.position);
    const rise = source === app.position ? 46 : Math.min(kind === "gather" ? 268 : 240, 30 + (b - a) / 1.9);
    // A curve's highest point is at three quarters of the height of its handles.
    const [left, right] = source === app.position ? [b - 24, b + 24] : [a, b];
    const path = `M${a} ${base} C${left} ${base - rise} ${right} ${base - rise} ${b} ${base}`;
    const arc = drawing("path", { d: path, class: kind, "stroke-width": Math.min(5, 1 + members.length / 2) });
    const names = members.map((k) => heads[k][3]), rest = names.length - 1;
    arc.append(drawing("title", {}, `position ${source}: ${members.map((k) => `${heads[k][3]} (layer ${heads[k][0]})`).join(", ")}`));
    const label = room.place((a + b) / 2, base - 0.75 * rise - 4, `${names[0]}${rest ? ` +${rest}` : ""}`);
    if (label) above.push(label);
    const light = (on) => {
      arc.classList.toggle("on", on);
      label?.classList.toggle("on", on);
      for (const k of members) rows[k].classList.toggle("on", on);
    };
    for (const element of [arc, ...members.map((k) => rows[k])]) {
      element.addEventListener("mouseenter", () => light(true));
      element.addEventListener("mouseleave", () => light(false));
    }
    arc.addEventListener("click", () => app.go(source));
    svg.append(arc);
  }
  ["gather", "lookup"].forEach((kind, k) => {
    svg.append(drawing("line", { x1: 20 + 90 * k, x2: 40 + 90 * k, y1: 253, y2: 253, class: kind, "stroke-width": 3 }));
    svg.append(drawing("text", { x: 46 + 90 * k, y: 257 }, kind));
  });
  svg.append(...above);
  byId("arcs").replaceChildren(svg);
}

// Places texts above each other where they would meet; null where that is too far from the arc.
function labels(width) {
  const boxes = [];
  return {
    place(middle, top, text) {
      const wide = 6.2 * text.length, left = Math.max(2, Math.min(width - wide - 2, middle - wide / 2));
      for (let y = top; y > Math.max(10, top - 40); y -= 13) {
        if (boxes.some((box) => left < box[1] && box[0] < left + wide && Math.abs(y - box[2]) < 13)) continue;
        boxes.push([left, left + wide, y]);
        return drawing("text", { x: left, y, class: "label" }, text);
      }
      return null;
    },
  };
}

const number = (value) => (Number.isInteger(value) ? `${value}` : value.toPrecision(6));

function drawResidual(app) {
  const { data } = app, box = byId("dimensions");
  box.replaceChildren();
  if (!app.network) return;
  const wanted = byId("filter").value.toLowerCase(), { values } = app.network.at(app.position);
  data.network.dimensions.forEach((name, k) => {
    if (!name.toLowerCase().includes(wanted)) return;
    const line = make("div");
    line.append(make("b", name), make("span", number(values[k])));
    box.append(line);
  });
}

function drawSchedule(app) {
  const { data } = app;
  if (!data.network) {
    byId("layers").hidden = byId("residual").hidden = true;
    return;
  }
  const { layers, width, slots } = data.network, left = 30, cell = 76, tall = 16;
  const svg = drawing("svg", { width: left + (2 * layers + 2) * cell, height: 24 + width * tall, role: "img", "aria-label": "Slots by layers" });
  for (let half = 0; half <= 2 * layers + 1; half++) {
    const name = half === 0 ? "embedding" : half > 2 * layers ? "output" : `${(half + 1) >> 1} ${half % 2 ? "attention" : "ffn"}`;
    svg.append(drawing("text", { x: left + half * cell + 2, y: 12 }, name));
  }
  for (let slot = 0; slot < width; slot++) svg.append(drawing("text", { x: 4, y: 33 + slot * tall }, `${slot}`));
  for (const [name, slot, first, last] of slots) {
    const x = left + first * cell, y = 21 + slot * tall, wide = (last - first + 1) * cell - 2;
    const bar = drawing("rect", { x, y, width: wide, height: tall - 2, rx: 2 });
    bar.append(drawing("title", {}, name));
    bar.addEventListener("click", () => {
      for (const other of svg.querySelectorAll("rect.on")) other.classList.remove("on");
      bar.classList.add("on");
      const value = number(app.network.value(data.network.dimensions.indexOf(name), app.position));
      byId("picked").textContent = `Slot ${slot}: ${name} = ${value}`;
    });
    const fits = Math.max(3, Math.floor(wide / 6.6));
    svg.append(bar, drawing("text", { x: x + 3, y: y + 11, class: "label" }, name.length > fits ? `${name.slice(0, fits - 1)}…` : name));
  }
  byId("schedule").replaceChildren(svg);
}
