// SPDX-License-Identifier: ISC
import * as api from "../api.js";
import { el } from "../dom.js";
import { act, field } from "../parts.js";
import { w } from "../words.js";

/* The password first, then the code where one is asked for: both go in one request, so
   that a session is made of both together. isDialog: over the page, with a title of its own. */
export function login(begin, hasEnded, isDialog = false) {
	const name = el("input", { type: "text", name: "name", autocomplete: "username", required: true, autofocus: isDialog, autocapitalize: "none", spellcheck: "false" });
	const password = el("input", { type: "password", name: "password", autocomplete: "current-password", required: true });

	const code = el("input", { type: "text", name: "code", autocomplete: "one-time-code", autocapitalize: "none", spellcheck: "false", maxlength: "40" });
	const hint = el("p", { class: "quiet small" }, w.login.forgotten);
	const first = el("div", null, field(w.login.name, name), field(w.login.password, password));
	const second = el("div", { hidden: true }, field(w.login.code, code, w.login.codeHint),
		el("p", null, el("button", { type: "button", class: "plain small", onclick: () => show(false) }, w.login.again)));
	const button = el("button", { type: "submit" }, w.login.act);

	function show(isSecond) {
		first.hidden = isSecond;
		second.hidden = !isSecond;
		code.required = isSecond;
		code.value = "";
		button.textContent = isSecond ? w.login.codeAct : w.login.act;
		hint.textContent = isSecond ? w.login.lost : w.login.forgotten;
		if (!isSecond)
			password.value = "";
		(isSecond ? code : name).focus();
	}

	async function send() {
		const given = { name: name.value, password: password.value, ...(second.hidden ? {} : { code: code.value }) };
		try {
			return await api.post("session", given);
		} catch (error) {
			if (error.answer?.needs !== "code" || !second.hidden)
				throw error;
			return { needs: "code" };
		}
	}

	async function submit(event) {
		event.preventDefault();
		const answer = await act(event.submitter, send);
		if (answer?.needs)
			return show(true);
		if (answer)
			return begin(answer);
		const typed = second.hidden ? password : code;
		typed.select();
		typed.focus();
	}

	return el("form", { class: isDialog ? null : "narrow", onsubmit: submit },
		isDialog ? null : el("h1", null, w.login.title),
		hasEnded ? el("p", null, w.login.ended) : null,
		first, second, button, hint);
}
