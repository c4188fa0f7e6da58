// The gateway's JSON API, which README.md in the folder above describes.

export const readState = () => ask("state");

/** A token for somebody; `flaw` is what is wrong with it. */
export const signIn = async (user, use, flaw) => (await ask("token", { user, use, flaw })).token;

/** One request through the gateway, and what went on inside. */
export const call = (token, request, api) => ask("call", { token, ...request, api });

/** Throws a switch; gives the new state. */
export const turn = (name) => ask(name, {});

async function ask(path, body) {
  const response = await fetch(path, body && post(body)).catch(() => {
    throw new Error("the gateway does not answer: start it again with cargo run --example local -- serve");
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

function post(body) {
  const headers = { "Content-Type": "application/json", "X-Local": "1" };
  return { method: "POST", headers, body: JSON.stringify(body) };
}
