// What is known at the position: the instruction, its tokens, and the program's state.

function drawNow(app) {
  const { data, trace, position } = app, i = trace.at(position), facts = byId("facts");
  const token = (p) => data.vocabulary[data.tokens[p]] ?? "nothing: the trace ends";
  const rows = [["position", `${position}`], ["token", token(position)], ["next token", token(position + 1)]];
  if (i < 0) {
    rows.push(["part of", "the program in the prompt"]);
  } else {
    const cursor = trace.cursor[i], line = data.lines[data.line[cursor]];
    rows.push(["instruction", `${cursor}: ${spelled(data, cursor)}`], ["effect", effect(trace, i) || "none"]);
    if (data.function[cursor]) rows.push(["function", data.functions[data.function[cursor]]]);
    if (line) rows.push(["line", line]);
    if (trace.traps.includes(i)) rows.push(["trap", data.trapped?.replace(/^trap: /, "") ?? token(trace.start[i + 1] - 2)]);
  }
  facts.replaceChildren(...rows.map(([name, value]) => {
    const pair = make("div");
    pair.append(make("dt", name), make("dd", value, "", { id: `fact-${name.replace(" ", "-")}` }));
    return pair;
  }));
  const first = i < 0 ? Math.max(0, position - 8) : Math.max(trace.start[i], position - 20);
  const end = Math.min(i < 0 ? data.begin : trace.start[i + 1], first + 40), made = [];
  for (let p = first; p < end; p++) {
    const button = make("button", token(p), p === position ? "here" : "", { title: `position ${p}` });
    button.addEventListener("click", () => app.go(p));
    made.push(button);
  }
  byId("made").replaceChildren(...made);
}

function cells(id, pairs, nothing) {
  const shown = pairs.map(([name, value]) => {
    const cell = make("span");
    cell.append(make("b", `${name} `), `${value}`);
    return cell;
  });
  byId(id).replaceChildren(...(shown.length ? shown : [make("span", nothing, "note")]));
}

function drawState(app) {
  const { trace, data } = app, state = new State(trace, app.position);
  const { depth, found } = state.stack(24);
  const stack = found.map(([, value], k) => [`${depth - k}:`, value ?? "?"]);
  if (depth > found.length) stack.push(["...", `${depth - found.length} more`]);
  cells("stack", stack, "empty");
  const globals = state.globals().map(([name, value]) => [`global ${name}:`, value]);
  cells("locals", [...state.locals().map(([name, value]) => [`${name}:`, value]), ...globals], "none written");
  const calls = state.calls(12);
  byId("calls").replaceChildren(...calls.found.map((i) => {
    const cursor = trace.cursor[i], name = data.functions[data.function[cursor]] || "?";
    const button = make("button", `from ${name} at ${cursor}`, "", { title: "to the call" });
    const row = make("li");
    row.append(button);
    button.addEventListener("click", () => app.go(trace.start[i + 1] - 1));
    return row;
  }));
  if (!calls.depth) byId("calls").append(make("li", "no call is open", "note"));
  drawMemory(state);
  byId("output").textContent = state.output(4000);
}

function drawMemory(state) {
  const access = state.access(), box = byId("memory");
  box.replaceChildren();
  byId("memory-title").textContent = "Memory";
  if (!access) {
    box.append(make("div", "not touched so far", "note"));
    return;
  }
  const [, address, size, writes] = access;
  byId("memory-title").textContent = `Memory: ${size === 1 ? "1 byte" : `${size} bytes`} ${writes ? "written" : "read"} at ${address}`;
  const first = Math.max(0, (address - (address % 8)) - 16);
  for (let row = first; row < first + 48; row += 8) {
    const line = make("div");
    line.append(make("span", `${row}`.padStart(10) + "  ", "number"));
    let text = "  ";
    for (let k = row; k < row + 8; k++) {
      const byte = state.byte(k), hex = byte.toString(16).padStart(2, "0");
      line.append(k >= address && k < address + size ? make("mark", hex) : hex, " ");
      text += byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".";
    }
    line.append(text);
    box.append(line);
  }
}
