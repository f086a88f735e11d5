// SPDX-License-Identifier: ISC
// The parts that views are made of. Most functions give a node; none keeps state.
import { ApiError } from "./api.js";
import { el, patch, sign } from "./dom.js";
import { ago, exact } from "./format.js";
import { address } from "./route.js";
import { says as sentence, w } from "./words.js";

/* A relative time; the exact one is its tooltip, which screen readers read too. */
export function moment(time, { missing = w.never } = {}) {
	if (!time)
		return el("span", { class: "quiet" }, missing);
	return el("time", { datetime: time, title: exact(time), tabindex: "0", class: "moment" }, ago(time));
}

/* Renews the relative times every 15 seconds. */
export function keepMomentsFresh() {
	setInterval(() => {
		for (const node of document.querySelectorAll("time.moment")) {
			const text = ago(node.dateTime);
			if (node.textContent !== text)
				node.textContent = text;
		}
	}, 15000);
}

/* A word with the sign of its level: well, warning, trouble, off or wait. `title`: the reason. */
export function state(level, word, title) {
	return el("span", { class: `state ${level}`, title }, sign(level), el("span", null, word));
}

export function label(text, kind = "") {
	return el("span", { class: `label ${kind}` }, text);
}

/* The sentence of an event. */
export function says(item) {
	return sentence(item, { who: (text) => el("b", null, text), name: (text) => el("q", null, text), tail: (text) => el("bdi", null, text) });
}

/* columns: [{ head, cell: (row) => node, numeric }]. `phone`: how a narrow screen shows the
   table: as cards, as a list of changes, or as a table (for few and narrow columns). */
export function table(columns, rows, { caption, key, empty = w.none, phone = "cards" } = {}) {
	const kind = (c) => (c.numeric ? "numeric" : c.head === w.acts ? "acts" : null);
	if (!rows.length)
		return el("p", { class: "quiet" }, empty);
	return el("div", { class: "scrolls", tabindex: "0", role: "region", "aria-label": caption },
		el("table", { class: phone },
			caption ? el("caption", { class: "unseen" }, caption) : null,
			el("thead", null, el("tr", null, columns.map((c) => el("th", { scope: "col", class: kind(c) }, c.head)))),
			el("tbody", null, rows.map((row) => el("tr", { "data-key": key?.(row) },
				columns.map((c, place) => el(place === 0 ? "th" : "td", { scope: place === 0 ? "row" : null, class: kind(c), "data-head": c.head },
					el("div", { class: "cell" }, c.cell(row)))))))));
}

export function section(title, ...children) {
	return el("section", { class: "block", "data-key": title }, el("h2", null, title), children);
}

/* A term of a <dl>: its name, its value, and a remark. */
export function fact(name, value, ...about) {
	return el("div", { class: "fact", "data-key": name }, el("dt", null, name), el("dd", null, el("span", { class: "value" }, value), el("span", { class: "about" }, about)));
}

/* How much is left of a total; no node when the total is not known. */
export function bar(left, total, words) {
	return !total ? null : el("progress", { class: left / total > 0.2 ? "" : "low", max: String(total), value: left, "aria-label": words });
}

/* An error in a form. */
export function refusal(words) {
	return el("div", { class: "problem", role: "alert" }, sign("trouble"), el("p", null, words));
}

/* The sentence of an error. Those of the browser are no sentences, so they get one around them. */
export const why = (error) => (error instanceof ApiError ? error.message : w.pageFailed({ what: error.message }));

/* An error in place of what could not be shown. */
export function trouble(error, again) {
	return el("div", { class: "problem", role: "alert" }, sign("trouble"),
		el("div", null, el("p", null, el("strong", null, w.failed), " ", why(error)), again ? el("button", { type: "button", class: "secondary", onclick: again }, w.retry) : null));
}

/* A message about what was done goes away by itself. One about an error stays until the reader
   closes it, does something that works, or goes to another view. */
const TOASTS_MAX = 3;
export function toast(words, level = "well") {
	const node = el("div", { class: `toast ${level}` }, sign(level), el("span", null, words),
		level === "trouble" ? el("button", { type: "button", class: "plain icon", "aria-label": w.close, onclick: () => node.remove() }, sign("cross")) : null);
	const all = document.getElementById("toasts");
	// nodes below an open dialog cannot be clicked
	const over = [...document.querySelectorAll("dialog[open]")].pop() ?? document.body;
	if (all.parentNode !== over)
		over.append(all);
	if (level === "well")
		all.querySelectorAll(".trouble").forEach((old) => old.remove());
	all.append(node);
	while (all.children.length > TOASTS_MAX)
		all.firstChild.remove();
	if (level === "trouble")
		addEventListener("hashchange", () => node.remove(), { once: true });
	else
		setTimeout(() => node.remove(), level === "well" ? 5000 : 12000);
}

/* Shows the result of an accepted request; as a warning when it had no effect: a test that
   did not arrive, or an address that did not answer as it should. */
export function tell(answer, words) {
	const isInVain = answer?.sent === false || answer?.validated === false || answer?.status >= 300;
	toast(words, isInVain ? "warning" : "well");
}

/* Removes the errors of the last attempt. */
const clearErrors = (form) => form?.querySelectorAll(":scope > .problem").forEach((old) => old.remove());

/* Shows an error above the buttons of the form, or as a toast when the form is gone. */
export function refuse(form, words) {
	if (!form?.isConnected)
		return toast(words, "trouble");
	clearErrors(form);
	const node = refusal(words);
	form.querySelector(":scope > :is(footer, [type=submit])").before(node);
	node.scrollIntoView({ block: "nearest" });
}

/* Runs the work of a button: shows that it runs, and its result. Gives null after an error,
   which the form then shows. */
export async function act(button, work, done) {
	const form = button.closest("form");
	clearErrors(form);
	button.setAttribute("aria-busy", "true");
	button.disabled = true;
	try {
		const answer = await work();
		if (done)
			tell(answer, typeof done === "function" ? done(answer) : done);
		return answer;
	} catch (error) {
		refuse(form, why(error));
		return null;
	} finally {
		button.removeAttribute("aria-busy");
		button.disabled = false;
		if (button.isConnected && document.activeElement === document.body)
			button.focus();	// it lost the focus when it was disabled
	}
}

/* A labelled input; `input` has its id or gets one. */
let fields = 0;
export function field(text, input, hint) {
	const id = (input.id ||= `field-${++fields}`);
	if (hint)
		input.setAttribute("aria-describedby", `${id}-hint`);
	return el("div", { class: "field" }, el("label", { for: id }, text), input, hint ? el("small", { id: `${id}-hint` }, hint) : null);
}

/* Options: [[value, text]]. */
export function choice(options, chosen, attributes = {}) {
	return el("select", attributes, options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
}

/* A modal dialog. `build(close)` gives its content; the promise gives the argument of close(),
   or null when the reader only closed the dialog. */
let dialogs = 0;
export function dialog(title, build) {
	return new Promise((resolve) => {
		const id = `dialog-${++dialogs}`;
		let result = null;
		const close = (value = null) => {
			result = value;
			node.close();
		};
		const leave = () => close();	// another view
		addEventListener("hashchange", leave);
		const node = el("dialog", { "aria-labelledby": id, onclose: () => {
			removeEventListener("hashchange", leave);
			document.body.append(...node.querySelectorAll("#toasts"));
			node.remove();
			resolve(result);
		} },
			el("article", null,
				el("header", null,
					el("h2", { id }, title),
					el("button", { type: "button", class: "plain icon", "aria-label": w.close, onclick: () => close() }, sign("cross"))),
				build(close)));
		document.body.append(node);
		node.showModal();
	});
}

/* Asks for the password again, before an operation that gives somebody more rights. True: it
   was right, and the operation goes on. */
export async function prove(name, send) {
	return await dialog(w.proof.title, (close) => {
		const password = el("input", { type: "password", autocomplete: "current-password", required: true, autofocus: true });
		return el("form", { onsubmit: async (event) => {
			event.preventDefault();
			if (await act(event.submitter, () => send(password.value)))
				return close(true);
			password.select();
			password.focus();
		} },
			el("p", null, w.proof.words),
			el("input", { type: "text", autocomplete: "username", value: name, hidden: true, "aria-hidden": "true" }),
			field(w.login.password, password),
			el("footer", null, el("button", { type: "button", class: "secondary", onclick: () => close() }, w.cancel), el("button", { type: "submit" }, w.proof.act)));
	}) === true;
}

/* Text as a page shows it: consecutive spaces are one, and the isolates around a name are removed. */
const plain = (text) => text.replace(/[\u2066-\u2069]/gu, "").trim().replace(/\s+/gu, " ");

/* A dangerous action says what it will do and asks for the name. True: do it. */
export function confirm({ title, words, name, act: doing }) {
	return dialog(title, (close) => {
		const typed = el("input", { type: "text", autocomplete: "off", spellcheck: "false", oninput: () => { button.disabled = plain(typed.value) !== plain(name); } });
		const button = el("button", { type: "submit", class: "danger", disabled: true }, doing);
		return el("form", { onsubmit: (event) => { event.preventDefault(); close(true); } },
			el("p", null, words), field(w.typeToConfirm({ name }), typed),
			el("footer", null, el("button", { type: "button", class: "secondary", onclick: () => close() }, w.cancel), button));
	});
}

/* Text that can be copied: an address, a command, a secret, a body. */
export function copyable(text, { block = false } = {}) {
	const button = el("button", { type: "button", class: "secondary small", onclick: async () => {
		try {
			await navigator.clipboard.writeText(text);
			toast(w.copied);
		} catch {
			// the browser refuses it over plain http, or the user does
			getSelection().selectAllChildren(code);
			toast(w.copyByHand, "warning");
		}
	} }, w.copy);
	const code = el("code", null, text);
	return el("div", { class: block ? "copyable block" : "copyable" }, block ? el("pre", { tabindex: "0" }, code) : code, button);
}

/* Shows a new secret, once. */
export function showSecret(title, items) {
	return dialog(title, (close) => el("div", null, el("p", null, state("warning", w.shownOnce)),
		items.map(([name, value]) => el("div", { class: "field" }, el("strong", null, name), copyable(value))),
		el("footer", null, el("button", { type: "button", onclick: () => close(true) }, w.close))));
}

/* Places a menu beside its button and above everything: a table that scrolls would cut it off. */
function place(event) {
	const details = event.currentTarget, list = details.querySelector("ul");
	if (!details.open)
		return;
	const at = details.getBoundingClientRect(), size = list.getBoundingClientRect();
	list.style.right = `${Math.max(8, document.documentElement.clientWidth - at.right)}px`;
	list.style.top = `${at.bottom + size.height > innerHeight ? Math.max(8, at.top - size.height) : at.bottom}px`;
	addEventListener("scroll", () => { details.open = false; }, { capture: true, once: true });
}

/* A menu behind a button. items: [{ text, run, danger, disabled }]; `of`: the name of the thing
   that they act on. */
export function menu(items, of) {
	const name = w.actsOn({ name: of });
	const details = el("details", { class: "menu", ontoggle: place },
		el("summary", { class: "plain icon", "aria-label": name, title: name }, sign("more")),
		el("ul", null, items.filter(Boolean).map((item) => el("li", null, el("button", {
			type: "button", class: item.danger ? "plain danger" : "plain", disabled: item.disabled,
			// (not `details`: patch() may have given this to an older node)
			onclick: (event) => { event.currentTarget.closest("details").open = false; item.run(event.currentTarget); },
		}, item.text)))));
	details.addEventListener("keydown", (event) => {
		if (event.key === "Escape" && details.open) {
			details.open = false;
			details.firstChild.focus();
		}
	});
	details.addEventListener("focusout", (event) => { if (!details.contains(event.relatedTarget)) details.open = false; });
	return details;
}

/* On a phone a bar of links is wider than the screen: scrolls the current link to the middle. */
export function showCurrent(bar) {
	const at = bar?.querySelector("[aria-current]")?.getBoundingClientRect(), all = bar?.getBoundingClientRect();
	if (at)
		bar.scrollLeft += at.left + at.width / 2 - all.left - all.width / 2;
}

/* Links between the parts of a view, each with its own address. all: { key: text }. */
export function showTabs(node, view, all, chosen) {
	const bar = node.querySelector(".tabs");
	patch(bar, el("ul", null, Object.entries(all).map(([key, text]) => el("li", { "data-key": key },
		el("a", { href: address([view, key]), "aria-current": key === chosen ? "page" : null }, text)))));
	requestAnimationFrame(() => showCurrent(bar));
}
