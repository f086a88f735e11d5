// SPDX-License-Identifier: ISC
import * as api from "../api.js";
import { el, sign } from "../dom.js";
import { field } from "../parts.js";
import { w } from "../words.js";

export function login(begin, hasEnded) {
	const name = el("input", { type: "text", name: "name", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" });
	const password = el("input", { type: "password", name: "password", autocomplete: "current-password", required: true });
	const problem = el("div", { class: "problem", role: "alert", hidden: true });
	const button = el("button", { type: "submit" }, w.login.act);

	async function submit(event) {
		event.preventDefault();
		button.setAttribute("aria-busy", "true");
		button.disabled = true;
		problem.hidden = true;
		try {
			begin(await api.post("session", { name: name.value, password: password.value }));
		} catch (error) {
			problem.replaceChildren(sign("trouble"), el("p", null, error.message));
			problem.hidden = false;
			password.select();
			password.focus();
		} finally {
			button.removeAttribute("aria-busy");
			button.disabled = false;
		}
	}

	return el("form", { class: "narrow", onsubmit: submit },
		el("h1", null, w.login.title),
		hasEnded ? el("p", null, w.login.ended) : null,
		field(w.login.name, name), field(w.login.password, password), problem, button,
		el("p", { class: "quiet small" }, w.login.forgotten));
}
