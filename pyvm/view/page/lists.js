// The lists that can be as long as the trace or the program: only what is visible is drawn.

const SHOWN = 19;

// "i32.const 42", "br -3": an instruction of the program.
function spelled(data, cursor) {
  const row = data.opcodes[data.code[cursor]], immediate = data.immediates[cursor];
  if (!row) return "?";
  if (row.immediate === "unused") return row.name;
  return `${row.name} ${row.immediate === "jump" ? signed(immediate | 0) : immediate}`;
}

const signed = (number) => (number < 0 ? `${number}` : `+${number}`);

// What an executed instruction did, in a few characters.
function effect(trace, i) {
  const { data } = trace, last = data.tokens[trace.start[i + 1] - 1], row = trace.opcode(i);
  if (trace.traps.includes(i)) return "trap";
  if (data.output[last] >= 0) return `writes ${character(data.output[last])}`;
  if (data.error[last] >= 0) return `writes ${character(data.error[last])} (errors)`;
  if (row && row.given) return `${trace.valueBytes(i)} bytes`;
  const value = trace.value(i);
  if (value === null) return last === data.halt ? "end" : "";
  if (data.jumps[last]) return `to ${trace.cursor[i] + 1 + Number(value)}`;
  return `= ${value}`;
}

function character(byte) {
  return byte > 32 && byte < 127 ? `'${String.fromCharCode(byte)}'` : `0x${byte.toString(16).padStart(2, "0")}`;
}

function drawRows(app) {
  const { trace } = app, list = byId("rows"), here = trace.at(app.position);
  const most = Math.min(SHOWN, trace.count);
  const first = Math.max(0, Math.min(app.top ?? here - (SHOWN >> 1), trace.count - most));
  list.replaceChildren();
  for (let i = first; i < first + most; i++) {
    const row = make("li", "", i === here ? "here" : "");
    if (i === here) row.setAttribute("aria-current", "true");
    row.append(make("span", `${trace.start[i]}`, "number"), make("span", spelled(app.data, trace.cursor[i])));
    row.append(make("span", effect(trace, i), "effect"));
    row.addEventListener("click", () => app.go(trace.start[i + 1] - 1));
    list.append(row);
  }
}

// The program around the cursor; a click leads to where it is executed next.
function drawListing(app) {
  const { data, trace } = app, list = byId("listing"), here = trace.at(app.position);
  const cursor = here < 0 ? 0 : trace.cursor[here], length = data.code.length;
  const first = Math.max(0, Math.min(cursor - 5, length - 11));
  list.replaceChildren();
  for (let c = first; c < Math.min(first + 11, length); c++) {
    const row = make("div", "", c === cursor ? "here" : "");
    row.append(make("span", `${c}`, "number"), make("span", spelled(data, c)));
    row.append(make("span", data.functions[data.function[c]], "effect"));
    row.addEventListener("click", () => app.toNext((i) => trace.cursor[i] === c));
    list.append(row);
  }
}

// The source around the line; where its text is not known, the lines by name.
function drawSource(app) {
  const { data, trace } = app, list = byId("text"), here = trace.at(app.position);
  const place = here < 0 ? "" : data.lines[data.line[trace.cursor[here]]];
  list.replaceChildren();
  if (data.lines.length < 2) {
    list.append(make("div", "no source lines: the program has no debug information", "note"));
    return;
  }
  app.place = place || app.place || data.lines[1];
  const at = app.place.lastIndexOf(":"), file = app.place.slice(0, at);
  const line = Number(app.place.slice(at + 1)), text = app.texts(file);
  list.append(make("div", place ? `${file}:${line}` : `${file} (the compiler's own code)`, "note"));
  if (!text) return;
  const first = Math.max(1, Math.min(line - 4, text.length - 8));
  for (let n = first; n < Math.min(first + 9, text.length + 1); n++) {
    const row = make("div", "", n === line && place ? "here" : "");
    row.append(make("span", `${n}`, "number"), make("span", text[n - 1]));
    row.addEventListener("click", () => {
      const wanted = data.lines.indexOf(`${file}:${n}`);
      app.toNext((i) => wanted > 0 && data.line[trace.cursor[i]] === wanted);
    });
    list.append(row);
  }
}
