// SPDX-License-Identifier: ISC
// Verifies a webhook by the library of the Standard Webhooks specification: on
// standard input a JSON object with secret, headers and body; prints "genuine" or
// what is wrong.
const { Webhook } = require("standardwebhooks");
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
try {
	const options = asked.secret.startsWith("whsec_") ? undefined : { format: "raw" };
	new Webhook(asked.secret, options).verify(asked.body, asked.headers);
	console.log("genuine");
} catch (error) {
	console.log(String(error.message));
}
