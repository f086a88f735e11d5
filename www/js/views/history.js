// SPDX-License-Identifier: ISC
// The part "History" of the view of Toggl: loading the time before the callbacks, a calendar that
// says for each day whether the tables agree with Toggl, and the gaps that are repaired.
import * as api from "../api.js";
import { el, patch } from "../dom.js";
import { day, dayAndClock, dayOf, exact, number, shiftDay, span, weekStart } from "../format.js";
import { choice, field, moment, section, state, table } from "../parts.js";
import { address, go, here } from "../route.js";
import { sentenceOf, w } from "../words.js";

const t = w.history;
const MONTHS = 3;	// that the calendar shows at once
const DATE = { day: "numeric", month: "short", year: "numeric" };

/* The last plan. A refresh does not change the form, so the plan has a node of its own. */
let planned = null;

const monthOf = (text) => text.slice(0, 7);
const shiftMonth = (month, by) => {
	const [year, at] = month.split("-").map(Number);
	return new Date(Date.UTC(year, at - 1 + by, 1)).toISOString().slice(0, 7);
};
const isMonth = (text) => /^\d{4}-(0[1-9]|1[0-2])$/.test(text ?? "");
const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text ?? "") && !Number.isNaN(Date.parse(text));

/* ---- what is shown, by the address */

function wanted(workspaces) {
	const { query } = here(), today = dayOf(Date.now());
	const workspace = workspaces.find((each) => each.id === query.workspace) ?? workspaces[0];
	const until = isMonth(query.month) && query.month <= monthOf(today) ? query.month : monthOf(today);
	return { workspace, until, first: shiftMonth(until, 1 - MONTHS), today, day: isDay(query.day) ? query.day : null };
}

const to = (change) => address(["toggl", "history"], { ...here().query, ...change });

/* The data of this part. */
export async function read() {
	const all = await api.get("toggl/history");
	if (!all.workspaces.length)
		return { ...all, place: null };
	const place = wanted(all.workspaces);
	const last = shiftDay(`${shiftMonth(place.until, 1)}-01`, -1);
	const [calendar, one] = await Promise.all([
		api.get("toggl/completeness", { workspace: place.workspace.id, from: `${place.first}-01`, until: last > place.today ? place.today : last }),
		place.day ? api.get("toggl/completeness", { workspace: place.workspace.id, from: place.day, until: place.day }) : null,
	]);
	return { ...all, place, calendar, one };
}

// ---- loading

/* How far a load is: by entries when a plan said how many there are, else by years. */
function progress(workspace) {
	const { planned_entries: most, entries, windows, loaded } = workspace;
	const [value, max] = most > 0 && loaded < windows ? [Math.min(entries, most), most] : [loaded, windows];
	const words = most > 0 && loaded < windows ? t.entriesOf({ count: entries, most_count: most }) : t.windowsOf({ count: loaded, most_count: windows });
	return el("div", { class: "loading", "data-key": workspace.id }, el("p", null, el("strong", null, workspace.name), " · ", words),
		el("progress", { value, max: String(max || 1), "aria-label": t.progressOf({ name: workspace.name }) }));
}

function jobOf(all, tools) {
	const { job } = all;
	if (!job)
		return null;
	return el("div", { class: "line", "data-key": "job" }, state(tools.levelOfJob[job.state] ?? "wait", w.toggl.jobStates[job.state] ?? job.state),
		el("div", null, sentenceOf(job.words).split("\n").map((line) => el("p", { class: "small" }, line)),
			job.resumes_at ? el("p", { class: "small quiet" }, t.nextWindow({ when: dayAndClock(job.resumes_at) })) : null),
		tools.goOn(job));
}

/* Choose a day, see what it takes, then load. */
function form(all, tools) {
	const from = el("input", { type: "date", id: "history-from", required: true, min: "2006-01-01", max: all.place.today, value: planned?.from ?? `${Number(all.place.today.slice(0, 4)) - 1}-01-01` });
	const workspace = all.workspaces.length > 1 ? choice([["", t.allWorkspaces], ...all.workspaces.map((each) => [each.id, each.name])], planned?.workspace ?? "", { id: "history-workspace" }) : null;
	const answer = el("div", { class: "plan", role: "status" });
	const given = () => ({ from: from.value, ...(workspace?.value ? { workspace_id: workspace.value } : {}) });

	function showPlan() {
		patch(answer, planned ? [sentenceOf(planned.words).split("\n").map((line) => el("p", null, line)),
			planned.isDone ? el("button", { type: "button", onclick: async (event) => {
				if (await tools.runFrom(event.currentTarget, () => api.post("toggl/history", planned.given))) {
					planned = null;
					showPlan();
				}
			} }, t.load) : null] : null);
	}
	showPlan();
	return el("form", { class: "slim", "data-keep": "", "data-key": "form", onsubmit: async (event) => {
		event.preventDefault();
		planned = null;
		showPlan();
		const body = given();
		const result = await tools.runFrom(event.submitter, () => api.post("toggl/history/plan", body), { isQuiet: true });
		if (result)
			planned = { from: body.from, workspace: body.workspace_id, given: body, words: result.words, isDone: result.status === 200 };
		showPlan();
	} }, field(t.from, from, t.fromHint), workspace ? field(w.toggl.workspace, workspace) : null, el("button", { type: "submit" }, t.plan), answer);
}

function loaded(all) {
	const rows = all.windows.map((each) => ({ ...each, workspace: all.workspaces.find((one) => one.id === each.workspace_id)?.name ?? each.workspace_id }));
	return !rows.length ? null : el("details", { class: "rest", "data-key": "windows" }, el("summary", null, t.windows({ count: rows.length })), table([
		{ head: t.range, cell: (each) => `${day(each.from, DATE)} – ${day(each.until, DATE)}` },
		all.workspaces.length > 1 ? { head: w.toggl.workspace, cell: (each) => each.workspace } : null,
		{ head: w.toggl.state, cell: (each) => state({ loaded: "well", works: "wait", waits: "wait" }[each.state], t.windowStates[each.state]) },
		{ head: t.entries, numeric: true, cell: (each) => number(each.entries) },
		{ head: t.recorded, numeric: true, cell: (each) => number(each.recorded) },
		{ head: t.requests, numeric: true, cell: (each) => number(each.requests) },
		{ head: t.loadedAt, cell: (each) => moment(each.loaded_at, { missing: "–" }) },
	].filter(Boolean), rows, { caption: t.loadedTitle, key: (each) => `${each.workspace_id} ${each.from}` }));
}

function since(workspace) {
	return el("p", { "data-key": `since ${workspace.id}` }, state(workspace.complete_since ? "well" : "off",
		workspace.complete_since ? t.completeSince({ name: workspace.name, day: day(workspace.complete_since, DATE) }) : t.notLoaded({ name: workspace.name })));
}

function loading(all, tools) {
	const isOpen = Boolean(all.job && !all.job.ended_at);
	return section(t.title, el("p", { class: "quiet" }, t.words), all.workspaces.map(since),
		isOpen ? all.workspaces.filter((each) => each.windows > each.loaded).map(progress) : null, jobOf(all, tools),
		tools.context.isOwner && !isOpen ? form(all, tools) : null, loaded(all));
}

// ---- the calendar

const levels = { equal: "well", filled: "well", differs: "trouble", unknown: "warning", unchecked: "off" };
const MARKS = { equal: "✓", filled: "+", differs: "≠", unknown: "?", unchecked: "·" };

const difference = (each) => (each.seconds_toggl === null ? "–" : `${each.seconds_here > each.seconds_toggl ? "+" : each.seconds_here < each.seconds_toggl ? "−" : ""}${span(Math.abs(each.seconds_here - each.seconds_toggl))}`);

function cell(text, by, place) {
	const found = by.get(text), kind = text > place.today ? "future" : found?.state ?? "unchecked";
	const name = kind === "future" ? null : `${day(text, { weekday: "long", day: "numeric", month: "long", year: "numeric" })}: ${t.states[kind]}`;
	const content = [el("span", { "aria-hidden": "true" }, String(Number(text.slice(8)))), kind === "future" ? null : el("span", { class: "mark", "aria-hidden": "true" }, MARKS[kind]), name ? el("span", { class: "unseen" }, name) : null];
	const leads = kind === "differs" || kind === "unknown" || kind === "filled";
	return el("td", { class: `day ${kind}`, title: name, "aria-current": text === place.today ? "date" : null },
		leads ? el("a", { href: to({ day: text, workspace: place.workspace.id }), "aria-current": text === place.day ? "true" : null }, content) : el("span", null, content));
}

function month(text, by, place) {
	const first = `${text}-01`, days = Number(shiftDay(`${shiftMonth(text, 1)}-01`, -1).slice(8));
	const lead = (new Date(`${first}T00:00:00Z`).getUTCDay() - weekStart() + 7) % 7;
	const cells = [...Array(lead).fill(null), ...Array.from({ length: days }, (unused, at) => shiftDay(first, at))];
	while (cells.length % 7)
		cells.push(null);
	const weeks = Array.from({ length: cells.length / 7 }, (unused, at) => cells.slice(at * 7, at * 7 + 7));
	// (4 January 1970 was a Sunday)
	const heads = Array.from({ length: 7 }, (unused, at) => shiftDay("1970-01-04", weekStart() + at));
	return el("table", { class: "calendar", "data-key": text }, el("caption", null, day(first, { month: "long", year: "numeric" })),
		el("thead", null, el("tr", null, heads.map((each) => el("th", { scope: "col", abbr: day(each, { weekday: "long" }) }, day(each, { weekday: "narrow" }))))),
		el("tbody", null, weeks.map((week) => el("tr", null, week.map((each) => (each ? cell(each, by, place) : el("td", { class: "day none" })))))));
}

function legend(calendar) {
	const count = (kind) => calendar.days.filter((each) => each.state === kind).length;
	return el("ul", { class: "legend line" }, Object.entries(MARKS).map(([kind, mark]) => el("li", { class: `day ${kind}` }, el("span", { class: "mark", "aria-hidden": "true" }, mark), " ",
		t.states[kind], kind === "unchecked" ? null : ` (${number(count(kind))})`)));
}

/* The persons of one day, or what differs in the months that are shown. */
function details(all, tools) {
	const { place, one, calendar } = all;
	const rows = one ? one.people : calendar.people;
	const total = one?.days[0];
	const compare = (from, until) => (event) => tools.runFrom(event.currentTarget, () => api.post("toggl/compare", { workspace_id: place.workspace.id, from, until }));
	if (!one && !rows.length)
		return null;
	const title = one ? t.dayTitle({ day: day(place.day, DATE) }) : t.differsTitle;
	return section(title,
		one ? el("p", null, total ? [state(levels[total.state], t.states[total.state]), " ", total.seconds_toggl === null ? t.dayHere({ here: span(total.seconds_here) })
			: t.daySums({ here: span(total.seconds_here), there: span(total.seconds_toggl) }), " ", el("span", { class: "quiet" }, w.lookedAt({ when: exact(total.checked_at) }))] : t.states.unchecked) : null,
		table([
			one ? null : { head: t.day, cell: (each) => el("a", { href: to({ day: each.day, workspace: place.workspace.id }) }, day(each.day, DATE)) },
			{ head: w.time.person, cell: (each) => each.user ?? `#${each.user_id}` },
			{ head: w.toggl.state, cell: (each) => state(levels[each.state], t.states[each.state]) },
			{ head: t.here, numeric: true, cell: (each) => span(each.seconds_here ?? 0) },
			{ head: t.there, numeric: true, cell: (each) => (each.seconds_toggl === null ? "–" : span(each.seconds_toggl)) },
			{ head: t.difference, numeric: true, cell: difference },
		].filter(Boolean), rows, { caption: title, key: (each) => `${each.day} ${each.user_id}`, empty: t.nobody, phone: "cards" }),
		el("div", { class: "line" },
			tools.context.isOwner ? el("button", { type: "button", class: "secondary", onclick: one ? compare(place.day, place.day) : compare(calendar.from, calendar.until) }, t.compare) : null,
			one ? el("a", { href: address("time", { from: place.day, until: place.day, workspace: place.workspace.id }) }, t.showTime) : null,
			one ? el("a", { href: to({ day: null }) }, t.allDays) : null));
}

function calendar(all) {
	const { place } = all, by = new Map(all.calendar.days.map((each) => [each.day, each]));
	const months = Array.from({ length: MONTHS }, (unused, at) => shiftMonth(place.first, at));
	const isLast = place.until >= monthOf(place.today);
	return section(t.calendar, el("p", { class: "quiet" }, t.calendarWords), legend(all.calendar),
		el("div", { class: "line range", "data-key": "controls" },
			all.workspaces.length > 1 ? field(w.toggl.workspace, choice(all.workspaces.map((each) => [each.id, each.name]), place.workspace.id,
				{ id: "calendar-workspace", onchange: (event) => go(["toggl", "history"], { ...here().query, workspace: event.target.value, day: null }) })) : null,
			el("a", { href: to({ month: shiftMonth(place.until, -MONTHS), day: null }), role: "button", class: "secondary small" }, t.earlier),
			isLast ? el("span", { role: "button", class: "secondary small", "aria-disabled": "true" }, t.later)
				: el("a", { href: to({ month: shiftMonth(place.until, MONTHS), day: null }), role: "button", class: "secondary small" }, t.later)),
		el("div", { class: "calendars" }, months.map((each) => month(each, by, place))));
}

// ---- gaps

function repairs(all) {
	const name = (id) => all.workspaces.find((each) => each.id === id)?.name ?? id;
	return section(t.gaps, el("p", { class: "quiet" }, t.gapsWords), table([
		{ head: t.range, cell: (each) => `${dayAndClock(each.from_at)} – ${dayAndClock(each.until_at)}` },
		all.workspaces.length > 1 ? { head: w.toggl.workspace, cell: (each) => name(each.workspace_id) } : null,
		{ head: t.reason, cell: (each) => t.reasons[each.reason] ?? each.reason },
		{ head: w.toggl.state, cell: (each) => state({ closed: "well", running: "wait", waiting: "wait" }[each.state] ?? "warning", t.gapStates[each.state] ?? each.state) },
		{ head: t.filled, cell: (each) => (each.closed_at ? [t.filledCount({ count: each.filled ?? 0 }), each.unknown_days > 0 ? `; ${t.unknownDays({ count: each.unknown_days })}` : null] : "–") },
	].filter(Boolean), all.repairs, { caption: t.gaps, key: (each) => each.id, empty: t.noGaps }));
}

/* The nodes of this part. tools: context, levelOfJob, goOn, runFrom of the view of Toggl. */
export function show(all, tools) {
	if (!all.place)
		return [section(t.title, el("p", null, t.unconnected), el("a", { href: address("toggl") }, w.toggl.connect))];
	return [loading(all, tools), calendar(all), details(all, tools), repairs(all)];
}

