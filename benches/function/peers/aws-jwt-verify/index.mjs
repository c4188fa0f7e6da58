// An authorizer on aws-jwt-verify as its README advises, beside a minimal Runtime API client.

import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { CognitoJwtVerifier } from "aws-jwt-verify";

// Outside the handler, so that the parsed keys serve all invocations.
const verifier = CognitoJwtVerifier.create({
  userPoolId: process.env.USER_POOL_ID,
  tokenUse: "access",
  clientId: process.env.CLIENT_ID,
});
// Keys from a file, so that neither side's network is measured.
verifier.cacheJwks(JSON.parse(readFileSync(process.env.JWKS_FILE, "utf8")));

const handler = async (event) => {
  let claims;
  try {
    claims = await verifier.verify(event.headers.authorization.replace(/^Bearer /i, ""));
  } catch {
    // API Gateway answers 401 to this very message, and 500 to any other.
    throw new Error("Unauthorized");
  }
  return {
    principalId: claims.sub,
    policyDocument: {
      Version: "2012-10-17",
      Statement: [{ Action: "execute-api:Invoke", Effect: "Allow", Resource: event.routeArn }],
    },
    context: { sub: claims.sub, username: claims.username, scope: claims.scope },
  };
};

// AWS's own client for Node is a C++ addon below a runtime that makes a context, logs and traces for each event. This
// loop is lighter than it, so that the library is measured more than what is around it.

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
// One connection that stays open.
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

const call = (method, path, body, headers) =>
  new Promise((resolve, reject) => {
    const sent = request(
      { agent, hostname, port, method, path: `/2018-06-01/runtime/invocation/${path}`, headers },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () => resolve({ id: response.headers["lambda-runtime-aws-request-id"], text }));
        response.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });

for (;;) {
  const { id, text } = await call("GET", "next");
  const headers = { "Content-Type": "application/json" };
  let outcome;
  let answer;
  try {
    answer = await handler(JSON.parse(text));
    outcome = "response";
  } catch ({ name, message }) {
    answer = { errorType: name, errorMessage: message, stackTrace: [] };
    headers["Lambda-Runtime-Function-Error-Type"] = name;
    outcome = "error";
  }
  await call("POST", `${id}/${outcome}`, JSON.stringify(answer), headers);
}
