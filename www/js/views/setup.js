// SPDX-License-Identifier: ISC
import * as api from "../api.js";
import { el } from "../dom.js";
import { act, choice, field } from "../parts.js";
import { w } from "../words.js";

/* The zones that the browser knows, its own first chosen. */
export function zones(chosen = Intl.DateTimeFormat().resolvedOptions().timeZone, attributes = {}) {
	const all = new Set(["UTC", chosen, ...Intl.supportedValuesOf("timeZone")]);
	return choice([...all].sort().map((name) => [name, name.replaceAll("_", " ")]), chosen, attributes);
}

export function setup(begin) {
	const token = el("input", { type: "password", name: "token", autocomplete: "off", required: true });
	const name = el("input", { type: "text", name: "name", autocomplete: "username", required: true });
	const password = el("input", { type: "password", name: "password", autocomplete: "new-password", required: true, minlength: "12" });
	const zone = zones();
	const doing = el("p", { class: "quiet", role: "status" });

	async function submit(event) {
		event.preventDefault();
		doing.textContent = w.setup.doing;
		const session = await act(event.submitter, () => api.post("setup", { token: token.value, name: name.value, password: password.value, zone: zone.value }), w.setup.done);
		doing.textContent = "";
		if (!session)
			return;
		location.hash = "#/toggl";
		begin(session);
	}

	return el("form", { class: "narrow", onsubmit: submit },
		el("h1", null, w.setup.title), el("p", null, w.setup.words),
		field(w.setup.token, token, w.setup.tokenHint), field(w.setup.name, name), field(w.setup.password, password, w.setup.passwordHint),
		field(w.setup.zone, zone), el("button", { type: "submit" }, w.setup.act), doing);
}
