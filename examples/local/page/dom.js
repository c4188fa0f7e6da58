// Elements are made here alone, and text goes in as text: nothing that a token or an answer says is read as HTML.

/** An element with properties, and with text or elements in it. */
export function element(name, properties = {}, ...content) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...content);
  return made;
}

export const find = (selector) => document.querySelector(selector);

export function fill(selector, ...content) {
  find(selector).replaceChildren(...content);
}

export const json = (value) => element("pre", {}, JSON.stringify(value, null, 2));

export const note = (text) => element("span", { className: "note" }, text);

/** Names and what they stand for. */
export function pairs(entries) {
  const pair = ([name, value]) => [element("dt", {}, name), element("dd", {}, value)];
  return element("dl", { className: "pairs" }, ...entries.flatMap(pair));
}

/** Something to open for whoever wants more. */
export const more = (summary, ...content) => element("details", {}, element("summary", {}, summary), ...content);

/** A table's row that begins with what it is about. */
export function row(head, ...cells) {
  const cell = (content) => element("td", {}, content);
  return element("tr", {}, element("th", { scope: "row" }, head), ...cells.map(cell));
}

/** A status as a word and a colour. */
export function statusMark(status) {
  const text = `${status} ${WORDS[status] ?? ""}`.trim();
  return element("span", { className: `mark ${statusKind(status)}` }, text);
}

function statusKind(status) {
  if (status >= 500) return "broken";
  return status >= 400 ? "refused" : "passed";
}

const WORDS = {
  101: "Switching Protocols",
  200: "OK",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  414: "URI Too Long",
  500: "Internal Server Error",
  502: "Bad Gateway",
};
