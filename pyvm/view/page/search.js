// Search: a position (#12), a trap, or a text in instructions, functions, lines and tokens.

// For a query: whether an executed instruction matches.
function matcher(app, query) {
  const { data, trace } = app, wanted = query.toLowerCase();
  if (wanted === "trap") return (i) => trace.traps.includes(i);
  const hits = new Uint8Array(data.code.length);
  for (let c = 0; c < hits.length; c++) {
    const text = `${spelled(data, c)} ${data.functions[data.function[c]]} ${data.lines[data.line[c]]} `;
    hits[c] = text.toLowerCase().includes(wanted);
  }
  const token = data.vocabulary.indexOf(query);
  if (token < 0) return (i) => hits[trace.cursor[i]];
  return (i) => hits[trace.cursor[i]] || data.tokens.subarray(trace.start[i], trace.start[i + 1]).includes(token);
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
