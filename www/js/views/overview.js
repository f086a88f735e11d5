// SPDX-License-Identifier: ISC
// Is it well? In one sentence, then what needs somebody, then the facts.
import * as api from "../api.js";
import { looks, stackedBars } from "../chart.js";
import { el, patch, sign } from "../dom.js";
import { ago, clockOrDate, dayAndClock, hourOrDay, number, roughly } from "../format.js";
import { bar, copyable, fact, moment, section, state, table, why } from "../parts.js";
import { modelOf, sentenceOf, w } from "../words.js";

const EVERY_MS = 10000, FIRST_MS = 2000;
const HOURS = 48;
const STEPS = { x: [3, 6, 12, 24].map((each) => each * 3600), y: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000] };
const t = w.overview;

let node, chart, timer, context, sawNone, seen;

/* What to do, commands in it as such. */
function todo(f) {
	return f.todo ? el("p", null, sentenceOf(f.todo).split("`").map((piece, place) => (place % 2 ? el("code", null, piece) : piece))) : null;
}

const since = (f) => (f.since ? el("p", { class: "quiet small" }, t.since({ when: clockOrDate(f.since), span: roughly((Date.now() - new Date(f.since)) / 1000) })) : null);
const link = (f, kind = "secondary") => (f.link ? el("a", { href: f.link, role: "button", class: `${kind} small` }, t.open[f.link.match(/^#\/([a-z]+)/)?.[1]] ?? t.open.overview) : null);

/* The sentence; of what is found the worst, with what to do about it. */
function banner(o) {
	const [worst] = o.findings;
	return el("div", { class: `banner ${o.level}`, "data-key": "banner" }, sign(o.level, "big"),
		el("div", null, el("h1", null, el("span", { class: "unseen" }, `${w.levels[o.level]}: `), sentenceOf(o.sentence)), worst ? [todo(worst), since(worst)] : null),
		worst ? link(worst, "") : null);
}

function findings(o) {
	const others = o.findings.slice(1);
	return others.length ? section(t.findings, el("ul", { class: "findings" }, others.map((f) => el("li", { class: f.level, "data-key": `${f.kind} ${f.subject}` }, sign(f.level),
		el("div", null, el("p", null, el("strong", null, sentenceOf(f.words))), todo(f), since(f)), link(f))))) : null;
}

function quotaFact(o) {
	const share = (each) => each.remaining / (each.total || 30);	// the least that Toggl gives
	const quota = o.quota?.length ? o.quota.reduce((least, each) => (share(each) < share(least) ? each : least)) : null;
	if (!quota)
		return fact(t.quota, o.toggl?.connected ? t.noQuota : t.notConnected);
	const words = t.quotaLeft({ count: quota.remaining, total_count: quota.total || null });
	return fact(t.quota, words, bar(quota.remaining, quota.total, words), quota.resets_at ? el("span", null, t.quotaResets({ when: ago(quota.resets_at) })) : null);
}

function facts(o) {
	const on = o.endpoints.filter((each) => each.enabled).length;
	const s = o.subscribers, spool = o.spool ?? {};
	return el("dl", { class: "facts", "data-key": "facts" },
		fact(t.today, number(o.events_today), o.events_usual_today !== null && o.events_usual_today !== undefined ? t.usual({ count: o.events_usual_today }) : null),
		fact(t.last, moment(o.last_event_at), o.last_ping_at > (o.last_event_at ?? "") ? t.lastPing({ when: ago(o.last_ping_at) }) : null),
		fact(t.endpoints, o.endpoints.length ? t.endpointsOn({ enabled_count: on, count: o.endpoints.length }) : t.noEndpoints),
		fact(t.subscribers, s?.subscriptions ? t.subscriptions({ count: s.subscriptions }) : w.none, s?.subscriptions ? t.waiting({ waiting_count: s.waiting, dead_count: s.dead }) : null),
		quotaFact(o),
		fact(t.spool, Number(spool.records) || Number(spool.bytes) ? t.spoolHolds({ count: Number(spool.records ?? 0), spool_bytes: Number(spool.bytes ?? 0) }) : t.spoolEmpty,
			spool.oldest_at ? t.spoolSince({ when: ago(spool.oldest_at) }) : null));
}

/* Hours without events count too: a gap is what one looks for. */
function showChart(o) {
	const last = Math.floor(new Date(o.now).getTime() / 3600000) * 3600, x = Array.from({ length: HOURS }, (unused, at) => last - (HOURS - 1 - at) * 3600);
	const place = new Map(x.map((seconds, at) => [seconds, at])), by = new Map();
	let total = 0;
	for (const { hour, model, count } of o.by_hour) {
		const at = place.get(new Date(hour).getTime() / 1000);
		if (at === undefined)
			continue;
		if (!by.has(model))
			by.set(model, x.map(() => 0));
		by.get(model)[at] += Number(count);
		total += Number(count);
	}
	const sum = ([, values]) => values.reduce((all, value) => all + value, 0);
	const sorted = [...by].sort((a, b) => sum(b) - sum(a)), look = looks(sorted);
	const series = sorted.map(([name, values], at) => ({ name: modelOf(name), values, look: look[at] }));
	chart.show({ x, series, rowName: t.hour, rowText: (seconds) => dayAndClock(seconds * 1000), tickText: (seconds) => hourOrDay(seconds * 1000), valueText: number, steps: STEPS, summary: t.chartWords({ count: total, hours: HOURS }) });
}

function endpoints(o) {
	return section(t.endpoints, table([
		{ head: t.name, cell: (each) => each.name || `#${each.id}` },
		{ head: t.workspace, cell: (each) => each.workspace ?? context.workspace(each.workspace_id) },
		{ head: t.state, cell: (each) => state(each.enabled ? "well" : "off", each.enabled ? t.enabled : t.disabled) },
		{ head: t.last, cell: (each) => moment(each.last_event_at) },
		{ head: t.refusedToday, numeric: true, cell: (each) => number(each.refusals_day ?? 0) },
	], o.endpoints, { caption: t.endpoints, key: (each) => each.id, empty: t.noEndpoints }));
}

function refusals(o) {
	return section(t.refusals, table([
		{ head: t.reason, cell: (each) => t.reasons[each.reason] ?? each.reason.replaceAll("_", " ") },
		{ head: t.count, numeric: true, cell: (each) => number(each.count) },
	], o.refusals, { caption: t.refusals, key: (each) => each.reason, empty: t.noRefusals }));
}

/* What to do while nothing has come yet; turns green when something does. */
function firstSteps(o, addresses) {
	const url = addresses[0]?.url;
	return el("section", { class: "block teaches", "data-key": "teaches" }, el("h2", null, t.emptyTitle),
		el("p", { class: "light", role: "status" }, o.last_event_at ? state("well", t.emptyArrived) : state("wait", t.emptyWaits)),
		o.toggl?.connected ? null : el("p", null, t.emptyConnect, " ", el("a", { href: "#/toggl", role: "button" }, t.emptyConnectAct)),
		url ? el("div", null, el("p", null, t.emptyByHand), copyable(url)) : null,
		el("p", null, t.emptyTest), copyable(`hookledger simulate --url ${url ?? "CALLBACK_URL"} --secret-file FILE --events 1`));
}

async function refresh() {
	const o = await api.get("overview");
	let addresses = [];
	if (!o.last_event_at) {
		sawNone = true;
		addresses = ((await api.get("endpoints")).items ?? []).filter((each) => !each.retired);
	}
	patch(node, banner(o), sawNone ? firstSteps(o, addresses) : null, findings(o), facts(o),
		o.last_event_at ? el("section", { class: "block", "data-key": "chart" }, el("h2", null, t.chart), chart.node) : null, endpoints(o), refusals(o));
	seen = o;
	if (o.last_event_at)
		showChart(o);
	return Boolean(o.last_event_at);
}

/* Again and again while somebody looks; what cannot be asked says so and goes on. */
async function keepFresh() {
	const mine = node;
	let hasEvents = true;
	try {
		if (!document.hidden)
			hasEvents = await refresh();
	} catch (error) {
		if (mine === node && error.status !== 401 && !api.isLost())
			node.firstChild.replaceWith(el("div", { class: "banner warning", "data-key": "banner" }, sign("warning", "big"), el("div", null, el("h1", null, why(error)))));
	}
	if (mine === node)
		timer = setTimeout(keepFresh, hasEvents ? EVERY_MS : FIRST_MS);
}

export async function show(place, given) {
	context = given;
	sawNone = false;
	node = el("div", { class: "overview" });
	chart = stackedBars(() => showChart(seen));
	timer = setTimeout(keepFresh, (await refresh()) ? EVERY_MS : FIRST_MS);
	return node;
}

export function leave() {
	clearTimeout(timer);
	node = null;
}
