// SPDX-License-Identifier: ISC
// What views are put together from. Each gives a node; none keeps state.
import { ApiError } from "./api.js";
import { el, patch, sign } from "./dom.js";
import { ago, exact } from "./format.js";
import { address } from "./route.js";
import { says as sentence, w } from "./words.js";

/* A moment, relative; exact on hover and for who reads by ear. */
export function moment(time, { missing = w.never } = {}) {
	if (!time)
		return el("span", { class: "quiet" }, missing);
	return el("time", { datetime: time, title: exact(time), tabindex: "0", class: "moment" }, ago(time));
}

/* Relative times grow old while one reads. */
export function keepMomentsFresh() {
	setInterval(() => {
		for (const node of document.querySelectorAll("time.moment")) {
			const text = ago(node.dateTime);
			if (node.textContent !== text)
				node.textContent = text;
		}
	}, 15000);
}

/* Well, warning, trouble, off or wait, in a word; `title`: why. */
export function state(level, word, title) {
	return el("span", { class: `state ${level}`, title }, sign(level), el("span", null, word));
}

export function label(text, kind = "") {
	return el("span", { class: `label ${kind}` }, text);
}

/* What an event tells, as a sentence. */
export function says(item) {
	return sentence(item, { who: (text) => el("b", null, text), name: (text) => el("q", null, text), tail: (text) => el("bdi", null, text) });
}

/* columns: [{ head, cell: (row) => node, numeric }]. `phone`: what it becomes there:
   cards, a list of changes, or what it is (few and narrow columns). */
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

/* A fact that can be scanned: what it is, its value, and a word about it. */
export function fact(name, value, ...about) {
	return el("div", { class: "fact", "data-key": name }, el("dt", null, name), el("dd", null, el("span", { class: "value" }, value), el("span", { class: "about" }, about)));
}

/* How much is left of something; nothing when nobody knows of how much. */
export function bar(left, total, words) {
	return !total ? null : el("progress", { class: left / total > 0.2 ? "" : "low", max: String(total), value: left, "aria-label": words });
}

/* What was refused, in the form that asked. */
export function refusal(words) {
	return el("div", { class: "problem", role: "alert" }, sign("trouble"), el("p", null, words));
}

/* What an error says: ours and the server's are sentences, the browser's are not. */
export const why = (error) => (error instanceof ApiError ? error.message : w.pageFailed({ what: error.message }));

/* An error in place of what could not be shown. */
export function trouble(error, again) {
	return el("div", { class: "problem", role: "alert" }, sign("trouble"),
		el("div", null, el("p", null, el("strong", null, w.failed), " ", why(error)), again ? el("button", { type: "button", class: "secondary", onclick: again }, w.retry) : null));
}

/* What was done goes away by itself; what went wrong stays until somebody has
   read it, has done something that works, or turns to something else. */
const TOASTS_MAX = 3;
export function toast(words, level = "well") {
	const node = el("div", { class: `toast ${level}` }, sign(level), el("span", null, words),
		level === "trouble" ? el("button", { type: "button", class: "plain icon", "aria-label": w.close, onclick: () => node.remove() }, sign("cross")) : null);
	const all = document.getElementById("toasts");
	// what lies below an open window is out of reach
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

/* Says what came of what was taken; with a warning where it was in vain: a test that
   did not arrive, an address that did not answer as it should. */
export function tell(answer, words) {
	const isInVain = answer?.sent === false || answer?.validated === false || answer?.status >= 300;
	toast(words, isInVain ? "warning" : "well");
}

/* What was refused before is mended, or tried again. */
const forgive = (form) => form?.querySelectorAll(":scope > .problem").forEach((old) => old.remove());

/* In a form it stands above its buttons, as long as what was typed does. */
export function refuse(form, words) {
	if (!form?.isConnected)
		return toast(words, "trouble");
	forgive(form);
	const node = refusal(words);
	form.querySelector(":scope > :is(footer, [type=submit])").before(node);
	node.scrollIntoView({ block: "nearest" });
}

/* Runs what a button is for: shows that it runs, and what came of it. null: it was
   refused. */
export async function act(button, work, done) {
	const form = button.closest("form");
	forgive(form);
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

/* What is asked for in a window of its own. `build(close)` gives its content; the
   promise ends with what close() was given, null when it was only closed. */
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

/* The password once more, before what gives power to somebody; what was being done
   goes on. True: it was right. */
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

/* As a page shows it: spaces in a row are one; what isolates a name is not of it. */
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
			// not over plain http, nor where it is forbidden
			getSelection().selectAllChildren(code);
			toast(w.copyByHand, "warning");
		}
	} }, w.copy);
	const code = el("code", null, text);
	return el("div", { class: block ? "copyable block" : "copyable" }, block ? el("pre", { tabindex: "0" }, code) : code, button);
}

/* A secret that was just made. */
export function showSecret(title, items) {
	return dialog(title, (close) => el("div", null, el("p", null, state("warning", w.shownOnce)),
		items.map(([name, value]) => el("div", { class: "field" }, el("strong", null, name), copyable(value))),
		el("footer", null, el("button", { type: "button", onclick: () => close(true) }, w.close))));
}

/* Over everything, beside its button: a table that scrolls would cut it off. */
function place(event) {
	const details = event.currentTarget, list = details.querySelector("ul");
	if (!details.open)
		return;
	const at = details.getBoundingClientRect(), size = list.getBoundingClientRect();
	list.style.right = `${Math.max(8, document.documentElement.clientWidth - at.right)}px`;
	list.style.top = `${at.bottom + size.height > innerHeight ? Math.max(8, at.top - size.height) : at.bottom}px`;
	addEventListener("scroll", () => { details.open = false; }, { capture: true, once: true });
}

/* [{ text, run, danger, disabled }] behind one button. */
/* `of`: what the actions are done to. */
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

/* On a phone a bar of links is wider than the screen: where one is stands in its middle. */
export function showCurrent(bar) {
	const at = bar?.querySelector("[aria-current]")?.getBoundingClientRect(), all = bar?.getBoundingClientRect();
	if (at)
		bar.scrollLeft += at.left + at.width / 2 - all.left - all.width / 2;
}

/* Links between the parts of a view, each a place of its own: { key: text }. */
export function showTabs(node, view, all, chosen) {
	const bar = node.querySelector(".tabs");
	patch(bar, el("ul", null, Object.entries(all).map(([key, text]) => el("li", { "data-key": key },
		el("a", { href: address([view, key]), "aria-current": key === chosen ? "page" : null }, text)))));
	requestAnimationFrame(() => showCurrent(bar));
}
