// A token taken apart. Nothing is checked here: that is the authorizer's work.

import { element, fill, find, more, note, pairs } from "./dom.js";

/** Shows the token, or that there is none. `keys` are those of the issuer's state. */
export function showToken(token, keys) {
  find("#no-token").hidden = Boolean(token);
  find("#token").hidden = !token;
  if (!token) return;
  const [header, claims, ...signature] = token.split(".");
  showPart("#token-header", header, (name, value) => (name === "kid" ? describeKey(value, keys) : HEADER[name]));
  showPart("#token-claims", claims ?? "", describeClaim);
  find("#token-signature .raw").textContent = signature.join(".");
}

function showPart(selector, raw, describe) {
  find(`${selector} .raw`).textContent = raw;
  const wasOpen = find(`${selector} details`)?.open ?? false;
  fill(`${selector} .read`, readPart(raw, describe));
  find(`${selector} details`)?.toggleAttribute("open", wasOpen);
}

function readPart(raw, describe) {
  const fields = decode(raw);
  if (!fields) return note("This is no JSON object in base64url.");
  const entries = Object.entries(fields).map(([name, value]) => {
    const meaning = describe(name, value);
    const shown = typeof value === "string" ? value : JSON.stringify(value);
    return { name, meaning, content: element("span", {}, shown, " ", note(meaning ?? "")) };
  });
  const list = (chosen) => pairs(chosen.map(({ name, content }) => [name, content]));
  const [known, other] = [entries.filter(({ meaning }) => meaning), entries.filter(({ meaning }) => !meaning)];
  return element("div", {}, list(known), ...(other.length ? [more(`${other.length} more`, list(other))] : []));
}

function decode(raw) {
  try {
    const binary = atob(raw.replaceAll("-", "+").replaceAll("_", "/"));
    const text = new TextDecoder().decode(Uint8Array.from(binary, (letter) => letter.charCodeAt(0)));
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function describeKey(kid, keys) {
  const key = keys.find((key) => key.kid === kid);
  if (!key) return "the key that signed it; the local issuer never published one of this name";
  return key.published ? "the key that signed it; published by the issuer" : "the key that signed it; withdrawn";
}

function describeClaim(name, value) {
  const meaning = CLAIMS[name];
  return TIMES.includes(name) && Number.isFinite(value) ? `${meaning}: ${describeTime(value)}` : meaning;
}

function describeTime(seconds) {
  const minutes = Math.round(seconds / 60 - Date.now() / 60_000);
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(minutes, "minute");
}

const HEADER = { alg: "how it was signed: the authorizer goes by the key’s algorithm, and not by this word" };

const TIMES = ["exp", "nbf", "iat", "auth_time"];

const CLAIMS = {
  iss: "the issuer: whose keys to check it with",
  sub: "who it is about",
  aud: "the app that it was issued to",
  client_id: "the app that it was issued to",
  token_use: "access or id",
  scope: "what the app may do on behalf of whom it is about",
  "cognito:groups": "groups: the policies look at them",
  exp: "good until",
  nbf: "good from",
  iat: "issued",
  auth_time: "signed in",
};
