// SPDX-License-Identifier: ISC
// The events, newest first, with filters and the details of one event. The address
// holds only the filters and the open event.
import * as api from "../api.js";
import { el, patch, replace, sign } from "../dom.js";
import { exact, fromField, list as listed, shortly, span, toField } from "../format.js";
import { act, choice, copyable, field, label, moment, section, says, state, table, trouble } from "../parts.js";
import { address, go, here } from "../route.js";
import { modelOf, sentenceOf, w } from "../words.js";

const NEWS_MS = 5000;
const NEWS_MAX = 1000;	// the server counts at most so many
const LATE = 600;	// seconds: from here on an event looks out of order
const names = ["text", "model", "action", "workspace", "user", "entity", "since", "until"];
const t = w.events;

let node, list, side, news, filters, context, timer;
let shown = [], next = null, newest = null, loadedFilters = "", isLive = false, open = "";

const filtersOf = (query) => Object.fromEntries(names.filter((name) => query[name]).map((name) => [name, query[name]]));
const keyOf = (item) => `${item.workspace_id}/${item.event_id}/${item.created_at}`;
const linkTo = (query) => address("events", query);

// ---- the list

/* The list is in the order of recording. Says why an event that was recorded late stands
   among newer ones; null for an event in time. */
function lateness(item) {
	const seconds = (Date.parse(item.received_at) - Date.parse(item.created_at)) / 1000, isKept = item.source === "spool" || item.source === "quarantine";
	if (!isKept && !(seconds >= LATE))
		return null;
	return el("span", { class: "late" }, isKept ? t.late[item.source] : (t.late[item.source] ?? t.late.webhook)({ late_seconds: seconds }),
		el("span", { class: "tip", role: "tooltip" }, t.lateTimes({ happened: exact(item.created_at), received: exact(item.received_at) }), isKept ? `\n${t.lateWaits}` : null));
}

function line(item) {
	const key = keyOf(item);
	return el("li", { "data-key": key, class: key === open ? "open" : null },
		el("a", { href: linkTo({ ...filtersOf(here().query), open: key }), "aria-current": key === open ? "true" : null },
			el("span", { class: "what" },
				label(modelOf(item.model), `model ${item.action}`),
				el("span", { class: "says" }, says(item))),
			el("span", { class: "aside" }, lateness(item), el("span", null, shortly(item.created_at)), moment(item.created_at), context.session.workspaces.length > 1 ? el("span", { class: "quiet" }, item.workspace ?? context.workspace(item.workspace_id)) : null)));
}

function showList(searchedTo) {
	const isFiltered = Object.keys(filtersOf(here().query)).length > 0;
	patch(list,
		shown.length ? el("ol", { class: "events", "aria-label": t.list, "data-key": "list" }, shown.map(line))
			: el("p", { class: "quiet", "data-key": "none" }, isFiltered ? t.none : t.noneYet),
		searchedTo ? el("p", { class: "quiet small", "data-key": "looked" }, t.looked({ when: exact(searchedTo) })) : null,
		next ? el("button", { type: "button", class: "secondary", "data-key": "older", onclick: (event) => act(event.currentTarget, older) }, t.older) : null);
	// the Tab key stops at the link, not again at the time inside it
	for (const time of list.querySelectorAll("a time"))
		time.removeAttribute("tabindex");
}

async function load(query) {
	if (Object.values(filtersOf(query)).some((value) => value.includes("\0")))
		throw new api.ApiError(0, t.zeroByte);
	const answer = await api.get("events", { ...filtersOf(query), limit: 50 });
	shown = answer.items;
	next = answer.next;
	newest = answer.newest ?? shown[0]?.cursor ?? null;
	replace(news);
	showList(answer.looked_to);
}

async function older() {
	const answer = await api.get("events", { ...filtersOf(here().query), after: next, limit: 50 });
	shown = [...shown, ...answer.items];
	next = answer.next;
	showList(answer.looked_to);
}

/* Counts events that are newer than the list. A button shows them, so that the list does
   not move while a person reads; the switch "live" shows them at once. */
async function lookForNews() {
	const query = filtersOf(here().query), mine = node;
	if (!document.hidden && !query.until && newest) {
		try {
			const { count } = await api.get("events/new", { ...query, after: newest });
			if (mine !== node)
				return;
			if (count && isLive)
				await showNews();
			else
				patch(news, count ? el("button", { type: "button", class: "news", onclick: (event) => act(event.currentTarget, showNews) }, count >= NEWS_MAX ? t.manyNews({ count: NEWS_MAX }) : t.news({ count })) : null);
		} catch {
			// the next request may work
		}
	} else if (!document.hidden && !newest && !query.until) {
		await load(here().query).catch(() => {});
	}
	if (mine === node)
		timer = setTimeout(lookForNews, NEWS_MS);
}

async function showNews() {
	const answer = await api.get("events/newer", { ...filtersOf(here().query), after: newest, limit: 500 });
	const known = new Set(shown.map(keyOf));
	shown = [...answer.items.filter((item) => !known.has(keyOf(item))), ...shown];
	newest = answer.newest ?? answer.items[0]?.cursor ?? newest;
	replace(news);
	showList();
}

/* The arrow keys move the focus from event to event. */
function onKey(event) {
	const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
	if (!step || !event.target.closest("ol.events"))
		return;
	const links = [...list.querySelectorAll("ol.events > li > a")];
	const to = links[links.indexOf(event.target.closest("a")) + step];
	if (to) {
		event.preventDefault();
		to.focus();
	}
}

// ---- the filters

function chips(query) {
	const active = Object.entries(filtersOf(query));
	if (!active.length)
		return null;
	const formats = { model: modelOf, action: (v) => w.actions[v] ?? v, workspace: (v) => context.workspace(v), since: exact, until: exact };
	return el("ul", { class: "chips", "aria-label": t.active },
		active.map(([name, value]) => {
			const rest = { ...filtersOf(query) };
			delete rest[name];
			const text = formats[name]?.(value) ?? value;
			return el("li", { "data-key": name }, el("a", { class: "chip", href: linkTo(rest), "aria-label": t.drop({ name: t.chipOf({ name: t.chip[name], value: text }) }) },
				el("span", null, t.chipOf({ name: t.chip[name], value: el("bdi", null, text) })), sign("cross")));
		}),
		active.length > 1 ? el("li", { "data-key": "all" }, el("a", { class: "chip clear", href: linkTo({}) }, t.clear)) : null);
}

function form(query) {
	const any = (text, all) => [["", text], ...Object.entries(all).filter(([value]) => value !== "*")];
	const input = (name, type, attributes = {}) => el("input", { type, name, value: query[name] ?? "", ...attributes });
	const momentInput = (name) => input(name, "datetime-local", { value: Number.isNaN(Date.parse(query[name])) ? "" : toField(query[name]) });
	const isMore = ["user", "entity", "since", "until"].some((name) => query[name]);

	function apply(event) {
		event?.preventDefault();
		const values = Object.fromEntries(new FormData(made));
		for (const name of ["since", "until"])
			values[name] = values[name] ? fromField(values[name]) : "";
		go("events", { ...values, open: here().query.open });
	}

	const made = el("form", { class: "filters", onsubmit: apply },
		el("div", { class: "line" },
			el("input", { type: "search", name: "text", value: query.text ?? "", placeholder: t.searchHint, "aria-label": t.search, maxlength: "200" }),
			el("button", { type: "submit" }, t.searchAct),
			choice(any(t.anyModel, w.models), query.model ?? "", { name: "model", "aria-label": t.model, onchange: apply }),
			choice(any(t.anyAction, w.actions), query.action ?? "", { name: "action", "aria-label": t.action, onchange: apply }),
			context.session.workspaces.length > 1
				? choice([["", t.anyWorkspace], ...context.session.workspaces.map(({ id, name }) => [id, name])], query.workspace ?? "", { name: "workspace", "aria-label": t.workspace, onchange: apply })
				: null),
		el("details", { open: isMore }, el("summary", null, t.more),
			el("div", { class: "line" },
				field(t.since, momentInput("since")), field(t.until, momentInput("until")),
				field(t.user, input("user", "text", { inputmode: "numeric", pattern: "[0-9]*" })),
				field(t.entity, input("entity", "text", { inputmode: "numeric", pattern: "[0-9]*" })),
				el("button", { type: "submit", class: "secondary" }, t.apply))));
	return made;
}

/* A link that downloads the events. A browser that followed it would save an error message,
   or an incomplete file. So the page fetches the file, and saves it only when it is complete. */
function exporting(query, format, words) {
	const params = { ...filtersOf(query), format };
	const name = { csv: "hookledger-events.csv", spreadsheet: "hookledger-events-spreadsheet.csv", ndjson: "hookledger-events.ndjson" }[format];
	// where numbers are written 2,5 a spreadsheet expects semicolons
	if (format === "spreadsheet" && new Intl.NumberFormat(navigator.language).format(2.5).includes(","))
		params.separator = "semicolon";
	const link = el("a", { class: "small", href: api.url("events/export", params), download: true, onclick: async (event) => {
		event.preventDefault();
		if (link.ariaBusy)
			return;
		await act(link, async () => save(await api.download("events/export", params, (bytes) => replace(link, t.exporting({ done_bytes: bytes }))), name));
		replace(link, words);
	} }, words);
	return link;
}

function save(blob, name) {
	const link = el("a", { href: URL.createObjectURL(blob), download: name });
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function tools(query) {
	const live = el("input", { type: "checkbox", role: "switch", checked: isLive, onchange: () => { isLive = live.checked; if (isLive) showNews().catch(() => {}); } });
	return el("div", { class: "tools" },
		el("label", { class: "inline", title: t.liveHint }, live, t.live),
		exporting(query, "csv", t.exportCsv),
		exporting(query, "spreadsheet", t.exportSpreadsheet),
		exporting(query, "ndjson", t.exportJson));
}

// ---- one event

const levels = { genuine: "well", false: "trouble", unsigned: "off", forgotten: "off", unknown: "warning" };

function row(name, ...value) {
	return [el("dt", null, name), el("dd", null, value)];
}

const isMoment = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)$/;

const isNothing = (value) => value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length);

/* A value in a readable form: a time in the zone of the operator, a duration in hours and
   minutes, and the name of an entity (`entityName`) in place of its number. */
function readable(value, name, entityName) {
	if (isNothing(value))
		return el("span", { class: "quiet" }, w.nothing);
	if (entityName)
		return el("bdi", { title: String(value) }, entityName);
	if (typeof value === "boolean")
		return value ? w.yes : w.no;
	if (typeof value === "string" && isMoment.test(value) && !Number.isNaN(Date.parse(value)))
		return el("time", { datetime: value, title: value }, exact(value));
	if (/duration(_seconds)?$/.test(name) && Number(value) >= 0)
		return el("span", { title: String(value) }, span(Number(value)));
	if (Array.isArray(value) && value.every((each) => typeof each !== "object"))
		return listed(value.map(String));
	return typeof value === "object" ? el("code", null, JSON.stringify(value)) : String(value);
}

/* Indented JSON. It is not parsed: that would change numbers beyond 2^53. */
export function pretty(body) {
	let out = "", depth = 0, before = "";
	const line = () => `\n${"  ".repeat(depth)}`;

	try {
		JSON.parse(body);
	} catch {
		return body;
	}
	for (const [token] of body.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gu)) {
		const isOpening = token === "{" || token === "[", isClosing = token === "}" || token === "]";
		const wasOpening = before === "{" || before === "[";
		if (isClosing) {
			depth--;
			out += wasOpening ? token : `${line()}${token}`;
		} else {
			out += `${wasOpening || before === "," ? line() : ""}${token}${token === ":" ? " " : ""}`;
		}
		depth += isOpening ? 1 : 0;
		before = token;
	}
	return out;
}

function detail(e) {
	const rest = filtersOf(here().query);
	return el("article", { class: "detail", "aria-label": t.detail },
		el("p", { class: "back" }, el("a", { href: linkTo(rest) }, t.back)),
		el("h2", { tabindex: "-1" }, says(e)),
		el("p", { class: "quiet" }, moment(e.created_at), " · ", exact(e.created_at), " · ", e.workspace ?? context.workspace(e.workspace_id)),
		section(t.changes, table([
			{ head: t.field, cell: (c) => w.fields[c.field] ?? c.field.replaceAll("_", " ") },
			e.action === "created" ? null : { head: t.old, cell: (c) => readable(c.old, c.field, c.old_name) },
			{ head: t.fresh, cell: (c) => readable(c.new, c.field, c.new_name) },
		].filter(Boolean), (e.changes ?? []).filter((c) => !isNothing(c.old) || !isNothing(c.new)), { caption: t.changes, empty: t.noChanges, phone: "changes" })),
		section(t.about, el("dl", { class: "pairs" },
			row(t.person, e.user_name ?? w.unknown, e.user_id ? el("a", { class: "small", href: linkTo({ user: e.user_id }) }, t.onlyPerson) : null),
			row(t.entityNumber, label(modelOf(e.model)), " ", el("code", null, e.entity_id ?? "–"),
				e.entity_id ? el("a", { class: "small", href: linkTo({ model: e.model, entity: e.entity_id }) }, t.onlyThis) : null),
			e.app ? row(t.app, e.app) : null,
			row(t.source, t.sources[e.source] ?? e.source),
			row(t.received, exact(e.received_at)),
			row(t.number, el("code", null, e.event_id)),
			row(t.signature, state(levels[e.verified] ?? "off", t.verified[e.verified] ?? e.verified)))),
		section(t.deliveries, table([
			{ head: t.subscriber, cell: (d) => el("a", { href: address(["subscribers", "deliveries", d.subscription_id]) }, d.description || `#${d.subscription_id}`) },
			{ head: w.overview.state, cell: (d) => state({ delivered: "well", dead: "trouble", dropped: "off" }[d.state] ?? "wait", w.subscribers.deliveryStates[d.state] ?? d.state) },
			{ head: t.attempted, numeric: true, cell: (d) => String(d.attempts) },
			{ head: t.when, cell: (d) => moment(d.ended_at, { missing: "–" }) },
		], e.deliveries ?? [], { caption: t.deliveries, empty: t.noDeliveries })),
		el("details", { class: "body" }, el("summary", null, t.body), copyable(pretty(e.body), { block: true })));
}

async function showDetail(key) {
	open = key ?? "";
	node.classList.toggle("has-detail", Boolean(open));
	if (!open)
		return replace(side, el("p", { class: "quiet choose" }, t.choose));
	side.setAttribute("aria-busy", "true");
	try {
		const e = await api.get(`events/${open.split("/").map(encodeURIComponent).join("/")}`);
		if (open !== key)
			return;
		replace(side, detail(e));
		side.querySelector("h2").focus({ preventScroll: matchMedia("(min-width: 62rem)").matches });
		side.scrollTop = 0;
	} catch (error) {
		if (open === key)
			replace(side, trouble(error, () => showDetail(key)));
	} finally {
		side.removeAttribute("aria-busy");
	}
}

// ---- the view

export async function update(place) {
	const query = place.query, wanted = JSON.stringify(filtersOf(query));
	if (wanted !== loadedFilters) {
		loadedFilters = wanted;
		replace(filters, form(query), chips(query), tools(query));
		list.setAttribute("aria-busy", "true");
		try {
			await load(query);
		} catch (error) {
			replace(list, trouble(error, () => { loadedFilters = ""; update(here()); }));
		} finally {
			list.removeAttribute("aria-busy");
		}
	}
	if ((query.open ?? "") !== open) {
		const before = open;
		await showDetail(query.open);
		showList();
		if (!query.open)
			[...list.querySelectorAll("li")].find((each) => each.dataset.key === before)?.querySelector("a").focus();
	}
}

export async function show(place, given) {
	context = given;
	list = el("div", { class: "list", onkeydown: onKey });
	side = el("aside", { class: "side", "aria-label": t.detail });
	news = el("div", { class: "newsline", role: "status" });
	filters = el("search", { class: "filterbox" });
	node = el("div", { class: "eventsview" }, el("h1", null, w.views.events), filters, news, el("div", { class: "panes" }, list, side));
	loadedFilters = null;
	open = "";
	isLive = false;
	replace(side, el("p", { class: "quiet choose" }, t.choose));
	await update(place);
	timer = setTimeout(lookForNews, NEWS_MS);
	return node;
}

export function leave() {
	clearTimeout(timer);
	node = null;
}
