// SPDX-License-Identifier: ISC
// The editor of event filters: pairs of entity and action, with the limit of the plan.
import { el, patch, sign } from "./dom.js";
import { choice, label } from "./parts.js";
import { filters as inWords, modelOf, w } from "./words.js";

const t = w.filterEditor;

/* `known`: the actions of each entity, as the API gives them. `most`: the limit, or null.
   onchange() is called with the filters. The node has value(), set() and limit(). */
export function filterEditor({ known, chosen = [], most = null, onchange = () => {} }) {
	let list = chosen.map(({ entity, action }) => ({ entity, action }));
	const entities = Object.keys(known).sort((a, b) => (a === "*" ? 1 : b === "*" ? -1 : a.localeCompare(b)));
	const entity = choice(entities.map((name) => [name, name === "*" ? w.events.anyModel : modelOf(name)]), "time_entry", { "aria-label": t.entity, onchange: () => fillActions() });
	const action = choice([], "", { "aria-label": t.action });
	const chips = el("ul", { class: "chips" }), note = el("small", { class: "quiet" });
	const node = el("fieldset", { class: "filtereditor" }, el("legend", null, w.toggl.filters), chips,
		el("div", { class: "line" }, entity, action, el("button", { type: "button", class: "secondary", onclick: add }, t.add)), note);

	function fillActions() {
		const own = known[entity.value] ?? [];
		action.replaceChildren(...["*", ...own.filter((each) => each !== "*")].map((each) => el("option", { value: each }, w.actions[each] ?? each)));
	}
	function add() {
		const one = { entity: entity.value, action: action.value };
		if (!list.some((each) => each.entity === one.entity && each.action === one.action))
			list = [...list, one];
		update();
	}
	function update() {
		patch(chips, list.length ? list.map((each) => {
			const words = inWords([each]);
			return el("li", { "data-key": words }, el("button", { type: "button", class: "chip", "aria-label": t.remove({ name: words }), onclick: () => {
				list = list.filter((other) => other !== each);
				update();
			} }, words, sign("cross")));
		}) : el("li", null, label(w.none)));
		note.textContent = most ? w.toggl.filtersLimit({ count: list.length, most_count: most }) : "";
		note.classList.toggle("over", Boolean(most) && list.length > most);
		onchange(list);
	}
	fillActions();
	update();
	node.value = () => list;
	node.set = (fresh) => {
		list = fresh.map(({ entity: e, action: a }) => ({ entity: e, action: a }));
		update();
	};
	node.limit = (fresh) => {
		most = fresh;
		update();
	};
	return node;
}
