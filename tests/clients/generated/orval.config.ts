// The functions, and the validators of what is sent and received.

const input = "../openapi.json";

export default {
  client: { input, output: { target: "orval/client.ts", client: "fetch", baseUrl: process.env.ISSUER } },
  validators: { input, output: { target: "orval/validators.ts", client: "zod" } },
};
