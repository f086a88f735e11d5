// SPDX-License-Identifier: ISC
// A subscriber as its author would write it with a library for Standard Webhooks:
// node subscriber.js LIBRARY SECRET listens on a free port of 127.0.0.1, prints its
// address, verifies every callback by the library before it looks at it, answers a
// ping with its validation code, and prints a line for each.
const http = require("http");
const [library, secret] = process.argv.slice(2);
const { Webhook } = require(library);
const webhook = new Webhook(secret, secret.startsWith("whsec_") ? undefined : { format: "raw" });

const server = http.createServer((request, response) => {
	const parts = [];
	request.on("data", (part) => parts.push(part));
	request.on("end", () => {
		let status = 200;
		let answer = {};
		try {
			const event = webhook.verify(Buffer.concat(parts).toString("utf8"), request.headers);
			console.log(event.payload === "ping" ? "ping" : "event", request.headers["webhook-id"]);
			if (event.validation_code)
				answer = { validation_code: event.validation_code };
		} catch (error) {
			status = 401;
			console.log("forged", error.message);
		}
		response.writeHead(status, { "Content-Type": "application/json" });
		response.end(JSON.stringify(answer));
	});
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/callback`));
