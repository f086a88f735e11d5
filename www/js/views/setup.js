// SPDX-License-Identifier: ISC
import * as api from "../api.js";
import { el, sign } from "../dom.js";
import { choice, field, toast } from "../parts.js";
import { w } from "../words.js";

/* The zones that the browser knows, its own first chosen. */
export function zones(chosen = Intl.DateTimeFormat().resolvedOptions().timeZone, attributes = {}) {
	const all = new Set(["UTC", chosen, ...Intl.supportedValuesOf("timeZone")]);
	return choice([...all].sort().map((name) => [name, name.replaceAll("_", " ")]), chosen, attributes);
}

export function setup(begin) {
	const token = el("input", { type: "password", name: "token", autocomplete: "off", required: true });
	const name = el("input", { type: "text", name: "name", autocomplete: "username", required: true });
	const password = el("input", { type: "password", name: "password", autocomplete: "new-password", required: true, minlength: "10" });
	const zone = zones();
	const problem = el("div", { class: "problem", role: "alert", hidden: true });
	const button = el("button", { type: "submit" }, w.setup.act);
	const doing = el("p", { class: "quiet", role: "status" });

	async function submit(event) {
		event.preventDefault();
		button.setAttribute("aria-busy", "true");
		button.disabled = true;
		problem.hidden = true;
		doing.textContent = w.setup.doing;
		try {
			const session = await api.post("setup", { token: token.value, name: name.value, password: password.value, zone: zone.value });
			toast(w.setup.done);
			location.hash = "#/toggl";
			begin(session);
		} catch (error) {
			problem.replaceChildren(sign("trouble"), el("p", null, error.message));
			problem.hidden = false;
			doing.textContent = "";
		} finally {
			button.removeAttribute("aria-busy");
			button.disabled = false;
		}
	}

	return el("form", { class: "narrow", onsubmit: submit },
		el("h1", null, w.setup.title), el("p", null, w.setup.words),
		field(w.setup.token, token, w.setup.tokenHint), field(w.setup.name, name), field(w.setup.password, password, w.setup.passwordHint),
		field(w.setup.zone, zone), problem, button, doing);
}
