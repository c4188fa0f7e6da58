// One call, and what went on inside.

import { element, fill, find, json, note, pairs, row, statusMark } from "./dom.js";

/** Shows what the gateway says of a call. */
export function showResult(called) {
  find("#no-call").hidden = true;
  find("#result").hidden = false;
  const { request, response, authorizer } = called;
  fill("#outcome", statusMark(response.status), ` ${request.method} ${request.path}`);
  const meaning = response.from_backend ? "" : MEANINGS[response.status] ?? "";
  find("#meaning").textContent = `${explain(called)}. ${meaning}`;
  fill("#stations", ...describeStations(called));
  fill("#client-got", ...describeResponse(response));
  fill("#answer", ...describeAnswer(authorizer));
  fill("#document", authorizer?.answer ? json(authorizer.answer) : note("There is none."));
  fill("#context", ...describeContext(called));
  fill("#times", ...describeTimes(called.timings_us));
  fill("#event", authorizer?.event ? json(authorizer.event) : notAsked());
  fill("#log", authorizer?.log ? json(authorizer.log) : notAsked());
}

/**
 * Why the client got that: the gateway's sentence, and the function's word for a refusal. The context of an answer may
 * have that word for the routes which it denies, and so says nothing about one that it allows.
 */
export function explain({ decided, authorizer }) {
  if (authorizer?.verdict === "allow") return decided;
  const reason = authorizer?.log?.reason ?? authorizer?.answer?.context?.reason;
  return reason ? `${decided} (${reason})` : decided;
}

const notAsked = () => note("The function was not asked.");

function describeStations({ request, response, authorizer }) {
  const passed = response.from_backend;
  const route = request.route ? `found the route ${request.route}` : "found no route";
  const stations = [
    ["Client", `got ${response.status}`],
    ["API Gateway", authorizer?.kept ? `${route}, and kept an answer for this token` : route],
    ["Authorizer", describeWork(authorizer)],
    ["Backend", passed ? "was reached" : "heard nothing of it"],
  ];
  const reached = [true, true, Boolean(authorizer?.asked), passed];
  return stations.map(([name, did], index) =>
    element("li", { className: reached[index] ? "reached" : "" }, element("b", {}, name), ` ${did}`));
}

function describeWork(authorizer) {
  if (!authorizer?.asked) return "was not asked";
  if (authorizer.error) return `was asked, and failed with “${authorizer.error.errorMessage}”`;
  return `was asked, and said ${(authorizer.verdict ?? "nothing usable").replace("-", " ")}`;
}

function describeResponse({ headers, body }) {
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  return [element("pre", {}, lines.join("\n")), element("pre", {}, indent(body) || "(no body)")];
}

function indent(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function describeAnswer(authorizer) {
  if (!authorizer) return [note("No authorizer stands before this request.")];
  const { answer, error, kept } = authorizer;
  if (error) return [note("It failed, with this error:"), json(error)];
  if (!answer) return [notAsked()];
  const origin = note(kept ? "An answer that the gateway kept:" : "For this request:");
  const statements = [answer.policyDocument?.Statement ?? []].flat();
  return [origin, statements.length ? describeStatements(statements) : json(answer)];
}

/** The IAM document as a table: what is denied wins over what is allowed. */
function describeStatements(statements) {
  const rows = statements.flatMap(({ Effect, Resource }) =>
    [Resource].flat().map((arn) => {
      const kind = Effect === "Allow" ? "passed" : "refused";
      return row(element("span", { className: `mark ${kind}` }, Effect), element("code", {}, describeArn(arn)));
    }));
  const rule = "The IAM document in short: a Deny wins over an Allow, and what is in neither is denied";
  const caption = element("caption", {}, rule);
  return element("table", {}, caption, element("tbody", {}, ...rows));
}

/** `GET /orders/*` of `arn:…:api/stage/GET/orders/*`, and `$connect` of a WebSocket API’s. */
function describeArn(arn) {
  const [verb, ...path] = arn.split(":").slice(5).join(":").split("/").slice(2);
  return path.length ? `${verb} /${path.join("/")}` : verb;
}

/** What the backend was handed, as the kind of API does it, or what it would have been. */
function describeContext({ authorizer }) {
  const handedOn = authorizer?.handed_on;
  const context = Object.entries(handedOn?.lambda ?? handedOn ?? authorizer?.answer?.context ?? {});
  if (!context.length) return [note("There is none.")];
  const entries = context.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  const reached = handedOn ? "got it with the request" : "did not get it: it was not asked";
  return [note(`The backend ${reached}.`), pairs(entries)];
}

function describeTimes({ total, function: invocation, measured_by_function: inside }) {
  const asked = [
    ["in the function: token and rules", inside],
    ["to the function and back", invocation - inside],
  ];
  const shares = [
    ...(invocation === null ? [] : inside === null ? [["the function, and the way to it", invocation]] : asked),
    ["the rest: the gateway and the backend", total - (invocation ?? 0)],
  ];
  const rows = shares.map(([name, micros]) => row(name, milliseconds(micros), bar(micros, total)));
  const body = element("tbody", {}, ...rows, row("together", milliseconds(total), ""));
  return [
    element("table", { className: "times" }, body),
    note("Of this build, on this machine: not what Lambda takes."),
  ];
}

const milliseconds = (micros) => `${(micros / 1000).toFixed(2)} ms`;

function bar(share, total) {
  const made = element("span", { className: "bar" });
  made.style.inlineSize = `${Math.round((100 * share) / total)}%`;
  return made;
}

const MEANINGS = {
  401: "To a client, 401 means: sign in again.",
  403: "To a client, 403 means: the token is good, and you may not do this.",
  500: "To a client, 500 means: the fault is not yours; keep the token and try again.",
};
