// Search: a position (#12), a trap, or a text in instructions, functions, lines, tokens and output.

// The instructions that write the last byte of a text in the output; letters of either case are one.
function writers(trace, wanted) {
  const { data, outputs } = trace, found = new Set();
  const latin = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("").toLowerCase();
  trace.written ??= latin(outputs.map((p) => Math.max(data.output[data.tokens[p]], data.error[data.tokens[p]])));
  const bytes = latin(new TextEncoder().encode(wanted));
  for (let at = trace.written.indexOf(bytes); at >= 0; at = trace.written.indexOf(bytes, at + 1)) {
    found.add(trace.at(outputs[at + bytes.length - 1]));
  }
  return found;
}

// For a query: whether an executed instruction matches.
function matcher(app, query) {
  const { data, trace } = app, wanted = query.toLowerCase();
  if (wanted === "trap") return (i) => trace.traps.includes(i);
  const hits = new Uint8Array(data.code.length);
  for (let c = 0; c < hits.length; c++) {
    const text = `${spelled(data, c)} ${data.functions[data.function[c]]} ${data.lines[data.line[c]]} `;
    hits[c] = text.toLowerCase().includes(wanted);
  }
  const token = data.vocabulary.indexOf(query), written = writers(trace, query);
  const holds = (i) => token >= 0 && data.tokens.subarray(trace.start[i], trace.start[i + 1]).includes(token);
  return (i) => hits[trace.cursor[i]] || written.has(i) || holds(i);
}

function search(app, query, back) {
  const found = byId("found"), text = query.trim();
  found.textContent = "";
  if (!text) return;
  const position = /^#?(\d+)$/.exec(text);
  if (position) {
    const wanted = Number(position[1]);
    if (wanted < app.data.tokens.length) app.go(wanted);
    else found.textContent = `the last position is ${app.data.tokens.length - 1}`;
  } else if (!app.toNext(matcher(app, text), back)) {
    found.textContent = "not found";
  }
}
