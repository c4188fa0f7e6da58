// The page: what is chosen, what a press does, and what is said about it.

import { element, fill, find, row, statusMark } from "./dom.js";
import { call, readState, signIn, turn } from "./gateway.js";
import { explain, showResult } from "./result.js";
import { showStanding } from "./standing.js";
import { showToken } from "./token.js";

let state;
let token = null;
let bearer = "nobody";
let lastRequest = null;

const FLAWS = [
  ["", "nothing", "It is as the issuer signed it."],
  ["expired", "expired", "It is signed, and its time was over an hour ago."],
  ["tampered", "tampered with", "Its groups were changed after it was signed: the signature does not fit."],
  ["forged", "forged", "Somebody else signed it, and put the name of the issuer’s key on it."],
  ["unknown-key", "unknown key", "Somebody else signed it, with a key that the issuer never published."],
  ["other-client", "other app", "It is signed, for another app client than this API’s."],
  ["not-yet-valid", "not yet valid", "It is signed, and begins to be good in an hour."],
];

// One after another, in the order of the presses.
let doing = Promise.resolve();
let pending = 0;
function act(action) {
  showBusy((pending += 1));
  doing = doing
    .then(action)
    .catch((error) => say(`That did not work: ${error.message}`))
    .finally(() => showBusy((pending -= 1)));
}

function showBusy(count) {
  find("main").ariaBusy = String(count > 0);
}

function say(...content) {
  fill("#status", ...content);
}

async function refresh(next) {
  state = next ?? (await readState());
  showStanding(state, find("#api").value);
  showToken(token, state.issuer.keys);
}

async function changeToken() {
  const { user, use, flaw } = Object.fromEntries(new FormData(find("#sign-in")));
  find("#flaw-note").textContent = FLAWS.find(([name]) => name === flaw)[2];
  token = user ? await signIn(user, use, flaw || null) : null;
  bearer = user || "nobody";
  await changed(user ? `Signed in as ${user}.` : "Nobody is signed in: calls go without a token.");
}

async function useOwnToken() {
  token = find("#own").value.trim() || null;
  bearer = token ? "the bearer of your own token" : "nobody";
  for (const radio of document.querySelectorAll("[name=user]")) radio.checked = !token && radio.value === "";
  await changed(token ? "Calls go with your own token." : "Calls go without a token.");
}

/** What the routes answered, they answered to another token or API. */
async function changed(sentence) {
  showRoutes();
  await refresh();
  say(sentence);
}

/** A machine has access tokens only, and whoever turns from a token of their own is nobody at first. */
function adjustChoices() {
  const { elements } = find("#sign-in");
  const person = state.people.find(({ name }) => name === elements.user.value);
  const isMachine = person?.kind === "machine";
  if (isMachine) elements.use.value = "access";
  if (!person) elements.user.value = "";
  find("[name=use][value=id]").disabled = isMachine;
}

/** A WebSocket API has one route, which its handshake calls. */
const routesShown = () =>
  find("#api").value === "websocket" ? [{ key: "$connect", example: { method: "GET", path: "/" } }] : state.routes;

function showRoutes() {
  fill("#routes", ...routesShown().map(({ example }) => {
    const button = element("button", { type: "button" }, describe(example));
    button.addEventListener("click", () => act(() => sendOne(example)));
    const made = row(button, "–");
    made.dataset.request = describe(example);
    return made;
  }));
}

const describe = ({ method, path }) => `${method} ${path}`;

async function send(request) {
  const called = await call(token, request, find("#api").value);
  lastRequest = request;
  find("#again").hidden = false;
  showResult(called);
  showLastAnswer(called);
  return called;
}

async function sendOne(request) {
  const called = await send(request);
  await refresh();
  say(statusMark(called.response.status), ` ${describe(request)} as ${bearer}: ${explain(called)}`);
}

async function sendAll() {
  const counts = new Map();
  for (const { example } of routesShown()) {
    const { status } = (await send(example)).response;
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  await refresh();
  const summary = [...counts].flatMap(([status, count]) => [` ${count} × `, statusMark(status)]);
  say(`Every route called as ${bearer}:`, ...summary);
}

function showLastAnswer(called) {
  const { request, response: { status } } = called;
  const shown = [...find("#routes").children].find((row) => row.dataset.request === describe(request));
  shown?.lastChild.replaceChildren(statusMark(status));
  const said = ` ${describe(request)} as ${bearer}: ${explain(called)}`;
  find("#calls").prepend(element("li", {}, statusMark(status), said));
  for (const old of [...find("#calls").children].slice(MOST_CALLS)) old.remove();
}

async function throwSwitch(button) {
  const { switch: name } = button.dataset;
  await refresh(await turn(name));
  say(DONE[name]);
}

function drawChoices() {
  const choice = (name, value, checked) => element("input", { type: "radio", name, value, checked });
  const person = ({ name, about }) =>
    element("label", {}, choice("user", name, false), " ", element("b", {}, name), ` ${about}`);
  find("#people").append(...state.people.map(person));
  const flaw = ([value, label], index) =>
    element("label", {}, choice("flaw", value, index === 0), ` ${label}`);
  fill("#flaws", ...FLAWS.map(flaw));
  find("#flaw-note").textContent = FLAWS[0][2];
  fill("#api", ...state.apis.map(({ name, title }) => element("option", { value: name }, title)));
  find("#api").value = state.gateway.api;
}

function listen() {
  find("#sign-in").addEventListener("submit", (event) => event.preventDefault());
  find("#sign-in").addEventListener("change", ({ target }) => {
    if (target.type !== "radio") return;
    adjustChoices();
    act(changeToken);
  });
  find("#use-own").addEventListener("click", () => act(useOwnToken));
  find("#api").addEventListener("change", () => act(() => changed("Calls go through another kind of API.")));
  find("#call-all").addEventListener("click", () => act(sendAll));
  find("#again").addEventListener("click", () => act(() => sendOne(lastRequest)));
  for (const button of document.querySelectorAll("[data-switch]")) {
    button.addEventListener("click", () => act(() => throwSwitch(button)));
  }
}

const DONE = {
  "cache/clear": "The gateway has forgotten every answer: it asks again.",
  "keys/rotate": "A new key signs access tokens from now on. Sign in again to get one of its tokens.",
  "keys/withdraw": "The key is published no more.",
  "issuer/down": "The issuer is down: nobody gets keys from it.",
  "issuer/up": "The issuer is back.",
  "function/restart": "The next request meets a cold start.",
};

const MOST_CALLS = 8;

act(async () => {
  state = await readState();
  drawChoices();
  showRoutes();
  await refresh(state);
  listen();
  say("Nobody is signed in: calls go without a token.");
});
