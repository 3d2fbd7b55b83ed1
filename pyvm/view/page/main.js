// Opens the data, keeps the position, and connects keys, buttons and panels.

const app = {
  top: null, // the first instruction of the list, where it was scrolled
  timer: 0,

  go(position) {
    this.position = Math.max(0, Math.min(position, this.data.tokens.length - 1));
    this.top = null;
    this.draw();
  },

  // To the end of an instruction.
  toInstruction(i) {
    this.go(this.trace.start[Math.max(0, Math.min(i, this.trace.count - 1)) + 1] - 1);
  },

  // To the next instruction (or the one before) that matches, around the end; false for none.
  toNext(matches, back = false) {
    const { count } = this.trace, here = this.trace.at(this.position);
    for (let n = 1; n <= count; n++) {
      const i = (((here + (back ? -n : n)) % count) + count) % count;
      if (matches(i)) {
        this.toInstruction(i);
        return true;
      }
    }
    return false;
  },

  texts(file) {
    this.read ??= {};
    const text = this.data.sources[file];
    return text === undefined ? null : (this.read[file] ??= text.split("\n"));
  },

  draw() {
    byId("slider").value = this.position;
    byId("slider").setAttribute("aria-valuetext", `position ${this.position}`);
    for (const part of [drawNow, drawRows, drawListing, drawSource, drawState, drawAttention, drawResidual]) part(this);
  },

  run(on = !this.timer) {
    clearInterval(this.timer);
    this.timer = on ? setInterval(() => {
      const before = this.position;
      this.toInstruction(this.trace.at(this.position) + 1);
      if (this.position === before) this.run(false);
    }, 120) : 0;
    byId("run").textContent = on ? "pause" : "run";
    byId("run").setAttribute("aria-pressed", `${on}`);
  },
};

const actions = {
  first: () => app.toInstruction(0),
  last: () => app.toInstruction(app.trace.count - 1),
  back: () => app.toInstruction(app.trace.at(app.position) - 1),
  next: () => app.toInstruction(app.trace.at(app.position) + 1),
  "token-back": () => app.go(app.position - 1),
  "token-next": () => app.go(app.position + 1),
  run: () => app.run(),
  trap: () => app.toInstruction(app.trace.traps[0] ?? app.trace.count - 1),
  "find-back": () => search(app, byId("query").value, true),
};
const keys = {
  Home: "first", End: "last", ArrowUp: "back", k: "back", ArrowDown: "next", j: "next",
  ArrowLeft: "token-back", h: "token-back", ArrowRight: "token-next", l: "token-next",
  " ": "run", t: "trap", N: "find-back",
};

function connect() {
  for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
  byId("find").addEventListener("submit", (event) => {
    event.preventDefault();
    search(app, byId("query").value, false);
  });
  byId("slider").addEventListener("input", (event) => app.go(Number(event.target.value)));
  byId("filter").addEventListener("input", () => drawResidual(app));
  byId("rows").addEventListener("wheel", (event) => {
    event.preventDefault();
    const here = app.top ?? app.trace.at(app.position) - (SHOWN >> 1);
    const most = Math.max(0, app.trace.count - SHOWN);
    app.top = Math.max(0, Math.min(most, here + 3 * Math.sign(event.deltaY)));
    drawRows(app);
  }, { passive: false });
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || target.tagName === "INPUT") return;
    if (target.tagName === "BUTTON" && (key === " " || key === "Enter")) return;
    if (key === "/") byId("query").focus();
    else if (key === "n") search(app, byId("query").value, false);
    else if (keys[key]) actions[keys[key]]();
    else return;
    event.preventDefault();
  });
  window.addEventListener("resize", () => drawAttention(app));
}

async function open() {
  const begin = performance.now();
  app.data = await unpack();
  app.trace = new Trace(app.data);
  app.network = app.data.network && new Network(app.data);
  byId("slider").max = app.data.tokens.length - 1;
  const { tokens, prompt, at, end } = app.data, count = (number) => number.toLocaleString("en");
  const made = tokens.length - prompt;
  byId("summary").textContent = `${count(made)} token${made === 1 ? "" : "s"} after a prompt of ${count(prompt)}, ${count(app.trace.count)} instructions; ${end}`;
  connect();
  drawSchedule(app);
  app.go(at);
  document.body.dataset.opened = `${Math.round(performance.now() - begin)}`;
}

open().catch((error) => {
  byId("summary").textContent = `The page cannot be shown: ${error.message}. It needs a browser with DecompressionStream.`;
  throw error;
});
