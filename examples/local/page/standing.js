// How the issuer, the gateway and the function stand.

import { fill, find, pairs, row } from "./dom.js";

/** Shows the state, of which `api` is the kind of API that is called. */
export function showStanding({ issuer, apis, function: running }, api) {
  const { kept_answers, ttl_seconds } = apis.find(({ name }) => name === api);
  const facts = [
    ["Issuer", issuer.up ? "up" : "down"],
    ["Keys asked for", times(issuer.key_requests)],
    ["Answers the gateway keeps", `${kept_answers}, each for ${ttl_seconds} s at most`],
    ["Function started", times(running.starts)],
  ];
  fill("#state", pairs(facts));
  fill("#keys", ...issuer.keys.map(({ kid, signs, published }) =>
    row(kid, signs ? `${signs} tokens` : "nothing more", published ? "yes" : "withdrawn")));
  find("#keys-ttl").textContent = running.settings.JWKS_TTL_SECONDS ?? DEFAULT_TTL_SECONDS;
  const turn = find("#issuer-switch");
  turn.textContent = issuer.up ? "Take the issuer down" : "Bring the issuer back";
  turn.dataset.switch = issuer.up ? "issuer/down" : "issuer/up";
}

const times = (count) => (count === 1 ? "once" : `${count} times`);

// The function's own, as the README has it.
const DEFAULT_TTL_SECONDS = "3600";
