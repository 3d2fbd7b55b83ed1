// From the page's two data scripts to an object: the header's fields, and the arrays by name.

async function unpack() {
  const text = (id) => document.getElementById(id).textContent;
  const data = JSON.parse(text("header"));
  const packed = atob(text("block"));
  const bytes = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i++) bytes[i] = packed.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const types = {
    Uint8Array, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array, Float64Array,
  };
  for (const [name, type, offset, length] of data.arrays) {
    data[name] = new types[type](buffer, offset, length);
  }
  return data;
}

// An element with a text, a class and attributes.
function make(tag, text = "", kind = "", more = {}) {
  const element = document.createElement(tag);
  if (text !== "") element.textContent = text;
  if (kind) element.className = kind;
  for (const [name, value] of Object.entries(more)) element.setAttribute(name, value);
  return element;
}

function drawing(tag, attributes = {}, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== "") element.textContent = text;
  return element;
}

const byId = (id) => document.getElementById(id);
