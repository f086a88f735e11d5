// SPDX-License-Identifier: ISC
// Requests to hookledger-admin. Addresses are relative, so the page works below any path.
import { sentenceOf, w } from "./words.js";

/* A request to Toggl or to a subscriber is answered when that one has, and what it waits for ends
   by itself. */
const READ_MS = 20000, WRITE_MS = 90000;

let csrf = "";
let whenContact = () => {};
let lost = null;	// { since, status, why } while requests fail; since: the last answer
let answeredAt = null;
let askForLogin = async () => false;
let askForProof = async () => false;
const asking = new Map();	// the promises of the forms that are open: one form for all requests that wait

export class ApiError extends Error {
	constructor(status, words, answer = {}) {
		super(words);
		this.status = status;
		this.answer = answer;
	}
}

export function setCsrf(code) {
	csrf = code;
}

/* `ask` shows the form to log in, when a session has ended; its promise gives true when the same
   operator is logged in again. */
export function onSessionEnded(ask) {
	askForLogin = ask;
}

/* `listener(lost)` is called when a request has failed without an answer of hookledger, or with one
   that it cannot work now, and when one works again (null). */
export function onContact(listener) {
	whenContact = listener;
}

/* True while requests fail: the data on the page are old. */
export const isLost = () => lost !== null;

function noteContact(error) {
	const isBroken = error !== null && (error.status === 0 || error.status >= 500);
	if (!isBroken)
		answeredAt = Date.now();
	if (isBroken || lost)
		whenContact(lost = isBroken ? { since: lost?.since ?? answeredAt, status: error.status, why: error.message } : null);
}

/* `ask` shows a form for the password; its promise gives true when the password was right. */
export function onProofNeeded(ask) {
	askForProof = ask;
}

export function url(path, query = {}) {
	const kept = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
	const text = new URLSearchParams(kept).toString();
	return `api/${path}${text ? `?${text}` : ""}`;
}

/* Errors begin with a small letter, as on a command line. Makes it a capital, but not that of a
   name. */
const capitalized = (words) => words.replace(/^(?!hookledger)[a-z]+(?=[ ,])/, (word) => word[0].toUpperCase() + word.slice(1));

async function read(response) {
	try {
		return await response.json();
	} catch (error) {
		if (error instanceof SyntaxError)
			return {};
		throw error;	// it ended before its end
	}
}

/* The errors of fetch(). */
function unanswered(trouble, limit) {
	return new ApiError(0, trouble.name === "TimeoutError" ? w.api.late({ seconds: limit / 1000 }) : w.api.unreachable);
}

/* `asked` is the code of the session in which the request was sent: a late answer to a session
   that has ended says nothing about the current one. */
function refusal(path, method, asked, response, answer) {
	const error = new ApiError(response.status, capitalized(sentenceOf(answer.error)) || w.api.silent({ status: response.status }), answer);
	error.hasEnded = response.status === 401 && asked === csrf && (path !== "session" || method === "GET");
	return error;
}

/* A request that needs the password again, or whose session has ended, is repeated when the operator
   has given it or is logged in again; the caller does not notice. */
async function call(method, path, how) {
	try {
		return await send(method, path, how);
	} catch (error) {
		const ask = error.answer?.needs === "password" ? askForProof : error.hasEnded ? askForLogin : null;
		if (!ask)
			throw error;
		if (!asking.has(ask))
			asking.set(ask, ask().finally(() => asking.delete(ask)));
		if (!await asking.get(ask))
			throw error;
		return send(method, path, how);
	}
}

async function send(method, path, how = {}) {
	try {
		const answer = await exchange(method, path, how);
		noteContact(null);
		return answer;
	} catch (error) {
		if (error instanceof ApiError && (method === "GET" || error.status === 0))
			noteContact(error);
		throw error;
	}
}

async function exchange(method, path, { query, body, signal }) {
	const limit = method === "GET" ? READ_MS : WRITE_MS, inTime = AbortSignal.timeout(limit);
	const how = { method, signal: signal ? AbortSignal.any([signal, inTime]) : inTime, credentials: "same-origin", headers: { Accept: "application/json" } }, asked = csrf;
	let response, answer;

	if (method !== "GET")
		how.headers["X-HL-CSRF"] = csrf;
	if (body !== undefined) {
		how.headers["Content-Type"] = "application/json";
		how.body = JSON.stringify(body);
	}
	try {
		response = await fetch(url(path, query), how);
		answer = await read(response);
	} catch (trouble) {
		if (trouble.name === "AbortError" && signal?.aborted)
			throw trouble;
		throw unanswered(trouble, limit);
	}
	if (response.ok)
		return { status: response.status, ...answer };
	throw refusal(path, method, asked, response, answer);
}

/* Downloads a file: gives its blob when it is complete, else throws. Its last line must be the
   word in parameter `end`, because a web server may hide that the answer ended early. */
export async function download(path, query, progress) {
	const end = crypto.getRandomValues(new Uint32Array(4)).join("-"), tail = new TextEncoder().encode(`${end}\n`);
	const pieces = [], asked = csrf;
	let response, bytes = 0, last = new Uint8Array();

	try {
		response = await fetch(url(path, { ...query, end }), { credentials: "same-origin" });
		if (response.ok)
			for (const reader = response.body.getReader(); ;) {
				const { done, value } = await reader.read();
				if (done)
					break;
				const both = new Uint8Array(last.length + value.length);
				both.set(last);
				both.set(value, last.length);
				/* keep back what may be the last line */
				const kept = Math.min(tail.length, both.length);
				pieces.push(new Blob([both.subarray(0, both.length - kept)]));
				last = both.slice(both.length - kept);
				bytes += value.length;
				progress(bytes);
			}
	} catch {
		throw new ApiError(0, w.api.brokeOff);
	}
	if (!response.ok)
		throw refusal(path, "GET", asked, response, await read(response));
	if (last.length !== tail.length || !last.every((byte, place) => byte === tail[place]))
		throw new ApiError(0, w.api.endedEarly);
	return new Blob(pieces, { type: response.headers.get("Content-Type") });
}

export const get = (path, query, signal) => call("GET", path, { query, signal });
export const post = (path, body = {}) => call("POST", path, { body });
export const put = (path, body = {}) => call("PUT", path, { body });
export const change = (path, body) => call("PATCH", path, { body });
export const remove = (path, body) => call("DELETE", path, { body });
