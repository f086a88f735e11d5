// SPDX-License-Identifier: ISC
import * as api from "../api.js";
import { el } from "../dom.js";
import { act, field } from "../parts.js";
import { w } from "../words.js";

export function login(begin, hasEnded) {
	const name = el("input", { type: "text", name: "name", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" });
	const password = el("input", { type: "password", name: "password", autocomplete: "current-password", required: true });

	async function submit(event) {
		event.preventDefault();
		const session = await act(event.submitter, () => api.post("session", { name: name.value, password: password.value }));
		if (session)
			return begin(session);
		password.select();
		password.focus();
	}

	return el("form", { class: "narrow", onsubmit: submit },
		el("h1", null, w.login.title),
		hasEnded ? el("p", null, w.login.ended) : null,
		field(w.login.name, name), field(w.login.password, password), el("button", { type: "submit" }, w.login.act),
		el("p", { class: "quiet small" }, w.login.forgotten));
}
