// SPDX-License-Identifier: ISC
// Who is tracking what: now, and by day, project and person.
import * as api from "../api.js";
import { looks, stackedBars, swatch } from "../chart.js";
import { el, patch } from "../dom.js";
import { day, dayOf, hours, number, percent, shiftDay, shortly, stopwatch, weekStart, zoneName } from "../format.js";
import { choice, field, section, table } from "../parts.js";
import { go, here } from "../route.js";
import { w } from "../words.js";

const EVERY_MS = 30000;
const PROJECTS_MAX = 8;	// distinct colours; the other projects share one
const RUNNING_MAX = 8, PEOPLE_MAX = 12;
const DAY = 86400, HOUR = 3600;
const STEPS = {
	x: [1, 2, 7, 14, 28].map((each) => each * DAY),
	y: [0.25, 0.5, 1, 2, 4, 5, 8, 10, 20, 40, 50, 100, 200, 500, 1000, 2000, 5000].map((each) => each * HOUR),
	text: (seconds) => number(seconds / HOUR),
};
const t = w.time;

let node, chart, timer, tick, context, seen;

/* The first day of the week, and of the month, of a day. */
const weekOf = (text) => shiftDay(text, -((new Date(`${text}T00:00:00Z`).getUTCDay() - weekStart() + 7) % 7));
const first = (text) => `${text.slice(0, 7)}-01`;

function ranges() {
	const today = dayOf(Date.now()), week = weekOf(today), month = first(today);
	return {
		week: [week, today],
		last: [shiftDay(week, -7), shiftDay(week, -1)],
		month: [month, today],
		before: [first(shiftDay(month, -1)), shiftDay(month, -1)],
	};
}

/* One end may push the other, and a year that is half typed is not 2,000 years ago. */
const later = (from, until) => (until < from ? from : until);
const earlier = (until, from) => (from > until || from < shiftDay(until, -399) ? until : from);

function rangeOf(query) {
	const [from, until] = ranges().week;
	const isDay = (text) => /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) && !Number.isNaN(Date.parse(text));
	return { from: isDay(query.from) ? query.from : from, until: isDay(query.until) ? query.until : until, workspace: query.workspace ?? "" };
}

function controls(range) {
	const to = (change) => go("time", { ...here().query, ...change });
	return el("form", { class: "line range", onsubmit: (event) => event.preventDefault(), "data-key": "controls" },
		el("div", { class: "buttons", role: "group" }, Object.entries(ranges()).map(([name, [from, until]]) => el("button", {
			type: "button", class: from === range.from && until === range.until ? "" : "secondary",
			"aria-pressed": String(from === range.from && until === range.until), onclick: () => to({ from, until }),
		}, t.ranges[name]))),
		field(t.from, el("input", { type: "date", id: "time-from", value: range.from, max: range.until, required: true, onchange: (event) => event.target.value && to({ from: event.target.value, until: later(event.target.value, range.until) }) })),
		field(t.until, el("input", { type: "date", id: "time-until", value: range.until, min: range.from, required: true, onchange: (event) => event.target.value && to({ from: earlier(event.target.value, range.from), until: event.target.value }) })),
		context.session.workspaces.length > 1
			? field(t.workspace, choice([["", w.events.anyWorkspace], ...context.session.workspaces.map(({ id, name }) => [id, name])], range.workspace,
				{ id: "time-workspace", onchange: (event) => to({ workspace: event.target.value }) })) : null);
}

/* A project whose name is not known is not "no project". */
const nameOf = (each) => each.project ?? (each.project_id ? `#${each.project_id}` : t.noProject);

/* The look of each project in all parts of the view: a map by number; the projects without
   a distinct colour share one look. */
function lookOf(data) {
	const first = data.by_project.slice(0, PROJECTS_MAX);
	const all = looks([...first.map((each) => ({ own: each.color, none: !each.project_id })), { none: true }]);
	const by = new Map(first.map((each, place) => [each.project_id ?? "", all[place]]));
	return (project) => by.get(project ?? "") ?? all[first.length];
}

/* The first few, so that what stands below is in sight: in a large company there
   are many. */
function fewOf(list, most, shown) {
	const few = list.length > most + 2 ? most : list.length;
	return [shown(list.slice(0, few)), few < list.length ? el("details", { class: "rest" }, el("summary", null, t.more({ count: list.length - few })), shown(list.slice(few))) : null];
}

function running(list, look) {
	const timers = (some) => el("ul", { class: "running" }, some.map((each) => el("li", null,
		swatch(look(each.project_id)),
		el("div", null, el("strong", null, each.user ?? w.unknown), el("span", { class: "says" }, each.description || w.event.noDescription),
			el("span", { class: "quiet" }, el("bdi", null, nameOf(each)), " · ", el("span", { class: "whole" }, t.since({ when: shortly(each.start_at) })))),
		el("span", { class: "ticks", "data-start": each.start_at }, stopwatch((Date.now() - new Date(each.start_at)) / 1000)))));
	return section(t.running, list.length ? fewOf(list, RUNNING_MAX, timers) : el("p", { class: "quiet" }, t.noneRunning));
}

function showDays(data, range, look) {
	const days = [];
	for (let at = range.from; at <= range.until && days.length < 400; at = shiftDay(at, 1))
		days.push(at);
	const place = new Map(days.map((each, at) => [each, at]));
	const order = data.by_project.map((each) => each.project_id ?? "");
	const series = new Map();
	for (const each of data.by_day) {
		const rank = order.indexOf(each.project_id ?? "");
		const key = rank >= 0 && rank < PROJECTS_MAX ? rank : PROJECTS_MAX;
		if (!series.has(key))
			series.set(key, { rank: key, name: key === PROJECTS_MAX ? t.others({ count: order.length - PROJECTS_MAX }) : nameOf(each), values: days.map(() => 0), look: look(each.project_id) });
		series.get(key).values[place.get(each.day)] += Number(each.seconds);
	}
	const total = data.by_day.reduce((sum, each) => sum + Number(each.seconds), 0);
	chart.show({
		x: days.map((each) => Date.parse(`${each}T00:00:00Z`) / 1000), zone: "UTC", series: [...series.values()].sort((a, b) => a.rank - b.rank),
		rowName: t.day, rowText: (seconds) => day(new Date(seconds * 1000).toISOString().slice(0, 10)), tickText: (seconds) => day(new Date(seconds * 1000).toISOString().slice(0, 10)), valueText: hours, steps: STEPS,
		summary: t.summary({ hours: hours(total) }),
	});
}

/* Of all that was tracked in these days. */
function share(seconds, total) {
	return el("div", { class: "share" }, el("progress", { value: seconds, max: String(total || 1), "aria-hidden": "true" }), el("span", null, percent(seconds / (total || 1))));
}

const totalOf = (rows) => rows.reduce((sum, each) => sum + Number(each.seconds), 0);

function projects(data, look) {
	const total = totalOf(data.by_project);
	return section(t.byProject, table([
		{ head: t.project, cell: (each) => el("span", { class: "named" }, swatch(look(each.project_id)), el("span", null, nameOf(each))) },
		{ head: t.hours, numeric: true, cell: (each) => hours(each.seconds) },
		{ head: t.billable, numeric: true, cell: (each) => hours(each.billable_seconds ?? 0) },
		{ head: t.share, numeric: true, cell: (each) => share(Number(each.seconds), total) },
	], data.by_project, { caption: t.byProject, key: (each) => each.project_id ?? "none", empty: t.none, phone: "narrow-columns" }));
}

function people(data) {
	const total = totalOf(data.by_user);
	return section(t.byPerson, fewOf(data.by_user, PEOPLE_MAX, (some) => table([
		{ head: t.person, cell: (each) => each.user ?? w.unknown },
		{ head: t.hours, numeric: true, cell: (each) => hours(each.seconds) },
		{ head: t.share, numeric: true, cell: (each) => share(Number(each.seconds), total) },
	], some, { caption: t.byPerson, key: (each) => each.user_id, empty: t.none, phone: "narrow-columns" })));
}

function paint({ data, range }) {
	const look = lookOf(data);
	patch(node, el("h1", { tabindex: "-1", "data-key": "title" }, w.views.time), controls(range), running(data.running, look),
		section(t.byDay, el("p", { class: "quiet small" }, t.zone({ name: data.zone ?? zoneName() })), chart.node),
		el("div", { class: "twins", "data-key": "tables" }, projects(data, look), people(data)));
	showDays(data, range, look);
}

async function refresh() {
	const range = rangeOf(here().query), mine = node;
	const data = await api.get("time", range);
	if (mine !== node)
		return;
	seen = { data, range };
	paint(seen);
}

async function keepFresh() {
	const mine = node;
	if (!document.hidden)
		await refresh().catch(() => {});	// the strip says that the data are old
	if (mine === node)
		timer = setTimeout(keepFresh, EVERY_MS);
}

export async function update() {
	await refresh();
}

export async function show(place, given) {
	context = given;
	node = el("div", { class: "timeview" });
	chart = stackedBars(() => paint(seen));
	await refresh();
	timer = setTimeout(keepFresh, EVERY_MS);
	tick = setInterval(() => {
		if (api.isLost())
			return;	// nobody knows whether they still run
		for (const each of node.querySelectorAll(".ticks"))
			each.textContent = stopwatch((Date.now() - new Date(each.dataset.start)) / 1000);
	}, 1000);
	return node;
}

export function leave() {
	clearTimeout(timer);
	clearInterval(tick);
	node = null;
}
