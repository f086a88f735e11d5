// SPDX-License-Identifier: ISC
// The view of Toggl: the connection, the subscriptions there, the jobs that run, and
// the addresses that Toggl calls; its other part, what was loaded and compared, is history.js.
import * as api from "../api.js";
import { el, patch } from "../dom.js";
import { filterEditor } from "../filters.js";
import { ago } from "../format.js";
import { act, bar, choice, confirm, copyable, dialog, fact, field, menu, moment, refuse, section, showSecret, showTabs, state, table, toast, why } from "../parts.js";
import { here } from "../route.js";
import { filters as inWords, sentenceOf, w } from "../words.js";
import * as history from "./history.js";

const t = w.toggl, e = w.endpoints;
const JOB_MS = 3000, SOON_MS = 1500;
let node, body, context, timer, shown;

const levelOf = { well: "well", off: "warning", disabled: "warning", unvalidated: "warning", changed: "warning", foreign: "off", new: "wait", unknown: "off" };

/* Toggl may have sent new names since the login. */
const workspaceName = (id) => shown.workspaces.find((each) => each.id === id)?.name ?? context.workspace(id);

const levelOfJob = { works: "wait", waits: "wait", stopped: "warning", failed: "trouble" };

// ---- requests that make a job

/* Jobs by number. Toasts will show the results of the awaited ones; those of the others
   were shown, by a toast or beside the button. */
const awaited = new Set(), reported = new Set();
let running = 0;	// requests of this view that are not answered yet

/* 202: the job goes on after the answer. */
function showAnswer(answer) {
	if (answer.status === 202) {
		awaited.add(answer.job);
		toast(answer.state === "works" ? t.resultLater({ words: sentenceOf(answer.words) }) : sentenceOf(answer.words), answer.state === "works" ? "wait" : "warning");
	} else {
		reported.add(answer.job);
		toast(sentenceOf(answer.words) || t.done);
	}
}

/* Sends a request that makes a job at Toggl, and shows the jobs while it waits for the
   answer, which may take long. Throws the error when hookledger or Toggl refuses it. */
async function atToggl(work, { isQuiet = false } = {}) {
	const mine = node;
	running++;
	timer = setTimeout(again, SOON_MS);
	try {
		const answer = await work();
		if (isQuiet && answer.status === 200)
			reported.add(answer.job);	// its result is shown where it was asked for
		else
			showAnswer(answer);
		return answer;
	} catch (error) {
		reported.add(error.answer?.job);
		throw error;
	} finally {
		running--;
		if (mine === node)
			await again();
	}
}

/* The same for a menu or a dialog, which is closed by then: errors are toasts. */
async function run(work) {
	const busy = node;
	busy.setAttribute("aria-busy", "true");
	await atToggl(work).catch((error) => toast(why(error), "trouble"));
	busy.removeAttribute("aria-busy");
}

/* The same for a button: errors are shown beside it. */
const runFrom = (button, work, how) => act(button, () => atToggl(work, how));

// ---- connecting

function connect() {
	const token = el("input", { type: "password", autocomplete: "off", spellcheck: "false", required: true });
	const doing = el("p", { class: "quiet", role: "status" });
	if (!context.isOwner)
		return section(t.notConnected, el("p", null, w.viewerOnly));
	return section(t.notConnected, el("p", null, t.connectWords), el("form", { class: "slim", "data-keep": "", onsubmit: async (event) => {
		event.preventDefault();
		doing.textContent = t.connecting;
		if (await runFrom(event.submitter, () => api.post("toggl/connect", { token: token.value })))
			token.value = "";
		doing.textContent = "";
	} }, field(t.token, token, t.tokenHint), el("button", { type: "submit" }, t.connect), doing));
}

function connection(c) {
	const quota = (c.quota ?? []).map((q) => {
		const words = w.overview.quotaLeft({ count: q.remaining, total_count: q.total || null });
		return fact(q.name ?? t.quota, words, bar(q.remaining, q.total, words), q.resets_at ? el("span", null, w.overview.quotaResets({ when: ago(q.resets_at) })) : null);
	});
	async function disconnect() {
		const name = c.user ?? c.email ?? "Toggl";
		if (await confirm({ title: t.disconnectTitle, words: t.disconnectWords, name, act: t.disconnect }))
			await run(() => api.post("toggl/disconnect", { connection_id: c.id }));
	}
	return el("div", { class: "connection", "data-key": c.id },
		el("dl", { class: "facts" }, fact(t.user, c.user ?? w.unknown, c.email ?? ""), quota, fact(t.seen, moment(c.seen_at))),
		context.isOwner ? el("div", { class: "line" },
			el("button", { type: "button", class: "secondary", onclick: (event) => runFrom(event.currentTarget, () => api.post("toggl/refresh", { connection_id: c.id })) },
				t.refresh, shown.refresh_costs ? el("small", null, ` ${t.refreshCosts({ count: shown.refresh_costs })}`) : null),
			shown.workspaces.filter((each) => each.connection_id === c.id).map((each) => el("button", { type: "button", class: "secondary", title: t.loadWords,
				onclick: (event) => runFrom(event.currentTarget, () => api.post("toggl/load", { workspace_id: each.id })) }, w.numbered({ what: t.load, name: each.name }))),
			el("button", { type: "button", class: "plain danger", onclick: disconnect }, t.disconnect)) : null);
}

// ---- subscriptions

/* The line in the dialog that shows the progress of the job. */
let progress = null;

/* subscription: null for a new one. The dialog stays open until Toggl has accepted it, or
   the job waits for the quota. */
async function editor(subscription) {
	const known = await api.get("toggl/event_filters").then(({ status, ...all }) => all.event_filters ?? all);
	const isNew = !subscription;
	return dialog(isNew ? t.add : t.editTitle, (close) => {
		const workspace = choice(shown.workspaces.map((each) => [each.id, each.name]), subscription?.workspace_id ?? shown.workspaces[0]?.id, { onchange: plan });
		const description = el("input", { type: "text", maxlength: "250", value: subscription?.description ?? "hookledger", required: true });
		const preview = el("code"), left = el("p", { class: "quiet small" });
		progress = el("p", { class: "quiet small", role: "status" });
		const show = () => {
			preview.textContent = JSON.stringify({ description: description.value, event_filters: filters.value(), enabled: true }, null, 2);
		};
		const limit = () => shown.workspaces.find((each) => each.id === workspace.value)?.limits?.filters ?? null;
		const filters = filterEditor({ known, chosen: subscription?.event_filters ?? [], most: limit(), onchange: () => queueMicrotask(show) });
		description.oninput = show;

		async function plan() {
			filters.limit(limit());
			try {
				const proposed = await api.get("toggl/plan", { workspace: workspace.value, item: subscription?.item });
				if (proposed.filters.length)
					filters.set(proposed.filters);
				left.textContent = proposed.leaves_out.length ? t.leavesOut({ filters: inWords(proposed.leaves_out) }) : sentenceOf(proposed.words);
			} catch (error) {
				left.textContent = why(error);
			}
		}
		if (isNew)
			plan();
		return el("form", { onsubmit: async (event) => {
			event.preventDefault();
			if (!filters.value().length)
				return refuse(event.currentTarget, t.noFilters);
			const given = { description: description.value, event_filters: filters.value() };
			if (await runFrom(event.submitter, () => (isNew ? api.post("toggl/subscriptions", { ...given, workspace_id: workspace.value })
				: api.change(`toggl/subscriptions/${subscription.item}`, given))))
				close();
		} },
		isNew ? field(t.workspace, workspace) : null, field(t.description, description), filters,
		el("div", { class: "field" }, el("button", { type: "button", class: "plain", onclick: plan }, t.propose), left),
		el("details", null, el("summary", null, t.preview), el("pre", { tabindex: "0" }, preview)),
		progress,
		el("footer", null, el("button", { type: "button", class: "secondary", onclick: () => close() }, w.cancel), el("button", { type: "submit" }, isNew ? t.create : w.save)));
	});
}

const edit = (s) => editor(s).catch((error) => toast(why(error), "trouble"));

function actionsOf(s) {
	const at = `toggl/subscriptions/${s.item}`, name = s.description || String(s.subscription_id);
	const isOurs = Boolean(s.endpoint_id);
	const sure = async (title, words, doing, work) => { if (await confirm({ title, words, name, act: doing })) await run(work); };
	return menu([
		isOurs && s.difference ? { text: t.repair, run: () => run(() => api.post(`${at}/repair`)) } : null,
		isOurs ? { text: t.ping, run: () => run(() => api.post(`${at}/ping`)) } : null,
		isOurs && !s.validated_at ? { text: t.validate, run: () => run(() => api.post(`${at}/validate`)) } : null,
		!isOurs ? { text: t.adopt, run: () => sure(t.adoptTitle, t.adoptWords, t.adopt, () => api.post(`${at}/adopt`)) } : null,
		{ text: t.edit, run: () => edit(s) },
		{ text: s.enabled ? t.disable : t.enable, run: () => run(() => api.change(at, { enabled: !s.enabled })) },
		isOurs ? { text: t.rotate, run: () => sure(t.rotateTitle, t.rotateWords, t.rotate, () => api.post(`${at}/rotate`)) } : null,
		{ text: t.remove, danger: true, run: () => sure(t.removeTitle, t.removeWords, t.remove, () => api.remove(at)) },
	], name);
}

function subscriptions() {
	return section(t.subscriptions, el("p", { class: "quiet" }, t.subscriptionsWords, " ", shown.seen_at ? w.lookedAt({ when: ago(shown.seen_at) }) : ""),
		table([
			{ head: t.name, cell: (s) => s.description || `#${s.subscription_id ?? "…"}` },
			{ head: t.workspace, cell: (s) => s.workspace ?? workspaceName(s.workspace_id) },
			{ head: t.filters, cell: (s) => inWords(s.event_filters) },
			{ head: t.state, cell: (s) => el("div", null, state(levelOf[s.state] ?? "trouble", t.states[s.state] ?? s.state), s.difference || (s.state !== "well" && s.state_words) ? el("p", { class: "small quiet" }, sentenceOf(s.difference ?? s.state_words)) : null) },
			{ head: t.lastEvent, cell: (s) => moment(s.last_event_at) },
			context.isOwner ? { head: w.acts, cell: actionsOf } : null,
		].filter(Boolean), shown.subscriptions, { caption: t.subscriptions, key: (s) => s.item, empty: t.none }),
		context.isOwner && shown.workspaces.length ? el("button", { type: "button", onclick: () => edit(null) }, t.add) : null);
}

/* A button that continues a job whose process has died, or whose wait is over; null for others. */
function goOn(j) {
	const canGoOn = context.isOwner && (j.state === "stopped" || (j.state === "waits" && new Date(j.resumes_at) <= new Date()));
	return canGoOn ? el("button", { type: "button", class: "secondary small", onclick: (event) => runFrom(event.currentTarget, () => api.post(`toggl/jobs/${j.id}/continue`)) }, t.goOn) : null;
}

/* The subscription or the workspace that a job is about. */
function aboutJob(j) {
	const name = shown.subscriptions.find((s) => s.item === j.item)?.description ?? (j.workspace_id ? workspaceName(j.workspace_id) : null);
	return name ? el("p", { class: "small quiet" }, name) : null;
}

function jobs() {
	if (!shown.jobs?.length)
		return null;
	const isOpen = shown.jobs.some((j) => !j.ended_at), title = isOpen ? t.jobs : t.jobsFailed;
	return section(title, table([
		{ head: t.what, cell: (j) => el("div", null, t.kinds[j.what] ?? j.what, aboutJob(j)) },
		{ head: t.state, cell: (j) => el("div", null, state(levelOfJob[j.state] ?? "wait", t.jobStates[j.state] ?? j.state),
			sentenceOf(j.words).split("\n").map((line) => el("p", { class: "small quiet" }, line))) },
		isOpen ? { head: t.resumes, cell: (j) => goOn(j) ?? (j.resumes_at ? moment(j.resumes_at) : "–") } : null,
	].filter(Boolean), shown.jobs, { caption: title, key: (j) => j.id }));
}

// ---- callback addresses

function newEndpoint() {
	return dialog(e.add, (close) => {
		const name = el("input", { type: "text", maxlength: "200" });
		const workspace = choice([["", e.anyWorkspace], ...context.session.workspaces.map(({ id, name: text }) => [id, text])], "");
		return el("form", { onsubmit: async (event) => {
			event.preventDefault();
			const made = await act(event.submitter, () => api.post("endpoints", { name: name.value, ...(workspace.value ? { workspace_id: workspace.value } : {}) }));
			if (!made)
				return;
			close();
			await showSecret(e.made, [[e.url, made.url], [e.secret, made.secret]]);
			again();
		} }, el("p", null, e.addWords), field(e.name, name), field(e.workspace, workspace),
		el("footer", null, el("button", { type: "button", class: "secondary", onclick: () => close() }, w.cancel), el("button", { type: "submit" }, e.add)));
	});
}

function endpointActions(p) {
	const at = `endpoints/${p.id}`, name = p.name || `#${p.id}`;
	async function rotate() {
		if (!await confirm({ title: e.rotateTitle, words: e.rotateWords, name, act: e.rotate }))
			return;
		try {
			const made = await api.post(`${at}/rotate`, { keep_hours: 24 });
			await showSecret(e.rotate, [[e.secret, made.secret]]);
		} catch (error) {
			toast(why(error), "trouble");
		}
		again();
	}
	async function enable(isOn) {
		if (!isOn && !await confirm({ title: e.disableTitle, words: e.disableWords, name, act: e.disable }))
			return;
		await run(() => api.change(at, { enabled: isOn }));
	}
	async function revoke(id) {
		if (await confirm({ title: e.revokeTitle, words: e.revokeWords, name, act: e.revoke({ id }) }))
			await run(() => api.remove(`${at}/secrets/${id}`));
	}
	return menu([
		{ text: e.test, run: () => run(() => api.post(`${at}/test`)) },
		{ text: e.rotate, run: rotate },
		...(p.secrets?.length > 1 ? p.secrets.map((s) => ({ text: e.revoke({ id: s.id }), danger: true, run: () => revoke(s.id) })) : []),
		p.enabled ? { text: e.disable, danger: true, run: () => enable(false) } : { text: e.enable, run: () => enable(true) },
	], name);
}

const addresses = (some) => table([
	{ head: e.name, cell: (p) => p.name || `#${p.id}` },
	{ head: e.workspace, cell: (p) => (p.workspace_id ? workspaceName(p.workspace_id) : e.anyWorkspace) },
	{ head: e.url, cell: (p) => copyable(p.url) },
	{ head: t.state, cell: (p) => state(p.enabled ? "well" : "off", p.enabled ? w.overview.enabled : w.overview.disabled) },
	{ head: e.secrets, cell: (p) => (p.secrets ?? []).map((s) => el("div", { class: "small" }, s.valid_until ? e.secretEnds({ id: s.id, when: ago(s.valid_until) }) : e.secretNumber({ id: s.id }))) },
	{ head: e.lastEvent, cell: (p) => moment(p.last_event_at) },
	context.isOwner ? { head: w.acts, cell: endpointActions } : null,
].filter(Boolean), some, { caption: e.title, key: (p) => p.id, empty: e.none });

function endpoints(items) {
	const retired = items.filter((p) => p.retired);
	return section(e.title, el("p", { class: "quiet" }, e.words), addresses(items.filter((p) => !p.retired)),
		context.isOwner ? el("button", { type: "button", class: "secondary", onclick: newEndpoint }, e.add) : null,
		retired.length ? el("details", { class: "rest", "data-key": "retired" }, el("summary", null, e.retired({ count: retired.length })), el("p", { class: "quiet" }, e.retiredWords), addresses(retired)) : null);
}

// ---- the view

const partOf = ({ path }) => path[1] ?? "connection";

/* Shows the results of the awaited jobs that have ended. */
async function showResults() {
	const open = shown.jobs.filter((j) => !j.ended_at).map((j) => j.id);
	for (const id of running ? [] : [...awaited].filter((one) => !open.includes(one))) {
		awaited.delete(id);
		const ended = reported.has(id) ? null : await api.get(`toggl/jobs/${id}`).catch(() => null);
		if (!ended?.ended_at)
			continue;
		reported.add(id);
		toast(sentenceOf(ended.words), ended.state === "failed" ? "trouble" : "well");
	}
	// jobs that the courier started itself are shown in the list only
	shown.jobs.filter((j) => !j.ended_at && !j.by_itself).forEach((j) => awaited.add(j.id));
}

async function refresh() {
	const mine = node;
	clearTimeout(timer);
	const part = partOf(here());
	const [toggl, callable, past] = await Promise.all([api.get("toggl"), part === "history" ? null : api.get("endpoints", { limit: 500 }),
		part === "history" ? history.read() : null]);
	if (!mine || mine !== node || part !== partOf(here()))
		return;
	shown = toggl;
	showTabs(node, "toggl", t.parts, part);
	patch(body, past ? history.show(past, { context, levelOfJob, goOn, runFrom })
		: [shown.connections.length ? section(t.connection, shown.connections.map(connection)) : connect(),
			shown.connections.length || shown.subscriptions.length ? subscriptions() : null, jobs(), endpoints(callable.items)]);
	if (progress)
		progress.textContent = sentenceOf(running ? shown.jobs.filter((j) => !j.ended_at && !j.by_itself).pop()?.words : "");
	if (shown.jobs?.some((j) => !j.ended_at)) {
		clearTimeout(timer);
		timer = setTimeout(again, JOB_MS);
	}
	await showResults();
}

/* In the background: an error is not shown, because the next refresh may work. */
const again = () => refresh().catch(() => { timer = node ? setTimeout(again, JOB_MS) : null; });

export const knows = (place) => place.path.length < 3 && Object.hasOwn(t.parts, partOf(place));

export const update = () => refresh();

export async function show(place, given) {
	context = given;
	body = el("div");
	node = el("div", { class: "togglview" }, el("h1", { tabindex: "-1" }, w.views.toggl), el("nav", { class: "tabs", "aria-label": w.views.toggl }), body);
	await refresh();
	return node;
}

export function leave() {
	clearTimeout(timer);
	node = null;
}
