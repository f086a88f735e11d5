// SPDX-License-Identifier: ISC
// The program behind the page. Addresses are relative: the page works below any
// path.
import { sentenceOf, w } from "./words.js";

let csrf = "";
let whenLoggedOut = () => {};
let askForProof = async () => false;
let proving = null;	// that is being asked for: once, however many requests wait for it

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

export function onLoggedOut(listener) {
	whenLoggedOut = listener;
}

/* `ask` shows a form for the password, and ends with true when it was right. */
export function onProofNeeded(ask) {
	askForProof = ask;
}

export function url(path, query = {}) {
	const kept = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
	const text = new URLSearchParams(kept).toString();
	return `api/${path}${text ? `?${text}` : ""}`;
}

/* Errors begin small, as those of a command line do; not what is a name. */
const begun = (words) => words.replace(/^(?!hookledger)[a-z]+(?=[ ,])/, (word) => word[0].toUpperCase() + word.slice(1));

async function read(response) {
	try {
		return await response.json();
	} catch {
		return {};
	}
}

/* `asked` is the code of the session in which the request was sent: an answer that comes
   late, from a session that has ended, says nothing of the one that was begun since. */
function refusal(path, method, asked, response, answer) {
	if (response.status === 401 && asked === csrf && (path !== "session" || method === "GET"))
		whenLoggedOut();
	return new ApiError(response.status, begun(sentenceOf(answer.error)) || w.api.silent({ status: response.status }), answer);
}

/* A request that needs the password once more is sent again when it was given: who
   asked for it goes on as if nothing had been. */
async function call(method, path, how) {
	try {
		return await send(method, path, how);
	} catch (error) {
		if (error.answer?.needs !== "password")
			throw error;
		proving ??= askForProof().finally(() => { proving = null; });
		if (!await proving)
			throw error;
		return send(method, path, how);
	}
}

async function send(method, path, { query, body, signal } = {}) {
	const how = { method, signal, credentials: "same-origin", headers: { Accept: "application/json" } }, asked = csrf;
	let response;

	if (method !== "GET")
		how.headers["X-HL-CSRF"] = csrf;
	if (body !== undefined) {
		how.headers["Content-Type"] = "application/json";
		how.body = JSON.stringify(body);
	}
	try {
		response = await fetch(url(path, query), how);
	} catch (trouble) {
		if (trouble.name === "AbortError")
			throw trouble;
		throw new ApiError(0, w.api.unreachable);
	}
	const answer = await read(response);
	if (response.ok)
		return { status: response.status, ...answer };
	throw refusal(path, method, asked, response, answer);
}

/* A file, piece by piece: its blob when it is whole, else an error. Its last line must
   be the word that was asked for: a web server may hide that it ended early. */
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
				/* what may be the last line is kept back */
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
