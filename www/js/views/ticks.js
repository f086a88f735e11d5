// SPDX-License-Identifier: ISC
// The addresses for web-cron, a tab of the settings.
import * as api from "../api.js";
import { el } from "../dom.js";
import { act, confirm, field, menu, moment, section, showSecret, table, toast, why } from "../parts.js";
import { w } from "../words.js";

const t = w.settings.ticks;

async function remove(tick, changed) {
	if (!await confirm({ title: t.removeTitle({ name: tick.name }), words: t.removeWords, name: tick.name, act: t.remove }))
		return;
	try {
		await api.remove(`ticks/${tick.id}`);
		changed();
	} catch (error) {
		toast(why(error), "trouble");
	}
}

function add(changed) {
	const name = el("input", { type: "text", autocomplete: "off", required: true, maxlength: "200", placeholder: t.example });
	return el("form", { class: "slim", onsubmit: async (event) => {
		event.preventDefault();
		const made = await act(event.submitter, () => api.post("ticks", { name: name.value }), t.made);
		if (!made)
			return;
		await showSecret(t.add, [[t.url, made.url]]);
		changed();
	} }, field(t.name, name), el("button", { type: "submit" }, t.add));
}

/* `changed` shows the tab anew. */
export async function ticks({ isOwner }, changed) {
	const { items } = await api.get("ticks");
	return [section(w.settings.tabs.ticks, el("p", { class: "quiet" }, t.words), table([
		{ head: t.name, cell: (tick) => tick.name },
		{ head: t.since, cell: (tick) => moment(tick.created_at) },
		{ head: t.used, cell: (tick) => moment(tick.used_at) },
		isOwner ? { head: w.acts, cell: (tick) => menu([{ text: t.remove, danger: true, run: () => remove(tick, changed) }], tick.name) } : null,
	].filter(Boolean), items, { caption: w.settings.tabs.ticks, key: (tick) => tick.id, empty: t.none })),
	isOwner ? section(t.add, add(changed)) : null];
}
