// SPDX-License-Identifier: ISC
// Programs of one's own that get the events: subscriptions, the accounts behind
// them, their limits, and what was delivered.
import * as api from "../api.js";
import { el, patch, replace } from "../dom.js";
import { filterEditor } from "../filters.js";
import { fromField, millis, number, toField, zoneName } from "../format.js";
import { act, choice, confirm, dialog, field, label, menu, moment, says, section, showSecret, showTabs, state, table, tell, toast, trouble, why } from "../parts.js";
import { address, here } from "../route.js";
import { filters as inWords, modelOf, sentenceOf, w } from "../words.js";
import { zones } from "./setup.js";

const EVERY_MS = 15000;
const t = w.subscribers;
let node, body, context, now, timer;

const levelOf = { well: "well", paused: "wait", disabled: "off", held: "off", unvalidated: "warning", dead: "warning" };
const workspaceName = (id) => context.workspace(id);

async function run(work, done = w.saved) {
	body.setAttribute("aria-busy", "true");
	try {
		const answer = await work();
		tell(answer, sentenceOf(answer.words) || (typeof done === "function" ? done(answer) : done));
		await fill();
		return answer;
	} catch (error) {
		toast(why(error), "trouble");
		return null;
	} finally {
		body.removeAttribute("aria-busy");
	}
}

const sure = async (title, words, name, doing, work, done) => (await confirm({ title, words, name, act: doing })) ? run(work, done) : null;

/* Sends what a window asks for, and closes it when that has worked. */
async function send(event, close, work, done = w.saved) {
	event.preventDefault();
	if (await act(event.submitter, work, (answer) => sentenceOf(answer.words) || (typeof done === "function" ? done(answer) : done))) {
		close(true);
		await fill();
	}
}

function buttons(close, text) {
	return el("footer", null, el("button", { type: "button", class: "secondary", onclick: () => close() }, w.cancel), el("button", { type: "submit" }, text));
}

// ---- subscriptions

async function editor(s) {
	return dialog(s ? t.editTitle : t.add, (close) => {
		const account = choice(now.accounts.map((a) => [a.id, a.name]), s?.account_id ?? now.accounts[0]?.id, { onchange: () => fillWorkspaces() });
		const workspace = el("select");
		const description = el("input", { type: "text", required: true, maxlength: "250", value: s?.description ?? "" });
		const url = el("input", { type: "url", required: true, maxlength: "2000", value: s?.url ?? "", placeholder: "https://" });
		const secret = el("input", { type: "text", autocomplete: "off", spellcheck: "false", maxlength: "256" });
		const most = () => now.organizations.find((o) => o.workspaces.includes(workspace.value))?.max_filters ?? null;
		const filters = filterEditor({ known: now.event_filters, chosen: s?.event_filters ?? [{ entity: "time_entry", action: "*" }] });
		function fillWorkspaces() {
			const own = now.accounts.find((a) => a.id === account.value)?.workspaces ?? [];
			workspace.replaceChildren(...own.map(({ id }) => el("option", { value: id, selected: id === s?.workspace_id }, workspaceName(id))));
			filters.limit(most());
		}
		workspace.onchange = () => filters.limit(most());
		fillWorkspaces();
		return el("form", { onsubmit: async (event) => {
			event.preventDefault();
			const given = { description: description.value, url_callback: url.value, event_filters: filters.value(), ...(secret.value ? { secret: secret.value } : {}) };
			const made = await act(event.submitter, () => (s ? api.change(`subscribers/subscriptions/${s.id}`, given)
				: api.post("subscribers/subscriptions", { ...given, account_id: account.value, workspace_id: workspace.value })),
			(answer) => sentenceOf(answer.words) || (s ? w.saved : answer.validated_at ? t.created : t.createdUnvalidated));
			if (made) {
				close(true);
				if (made.secret && !s)
					await showSecret(t.add, [[t.secret, made.secret]]);
				fill();
			}
		} },
		s ? null : [field(t.account, account), field(t.workspace, workspace)],
		field(t.description, description), field(t.url, url, t.urlHint), field(t.secret, secret, s ? t.secretStays : t.secretHint), filters,
		buttons(close, s ? w.save : t.create));
	});
}

const openEditor = (s) => editor(s).catch((error) => toast(why(error), "trouble"));

// Part by part, where the server says that there is more.
async function replay(s, given) {
	let replayed = 0, after = null;
	do {
		const part = await api.post(`subscribers/subscriptions/${s.id}/replay`, after ? { ...given, after } : given);
		replayed += part.replayed;
		after = part.next;
	} while (after);
	return { replayed };
}

function replaySince(s) {
	return dialog(t.replaySince, (close) => {
		const since = el("input", { type: "datetime-local", required: true, value: toField(Date.now() - 86400000) });
		return el("form", { onsubmit: (event) => send(event, close, () => replay(s, { since: fromField(since.value) }), (a) => (s.enabled && s.validated_at ? t.replayedMany : t.replayedLater)({ count: a.replayed })) },
			el("p", null, t.replaySinceWords), field(t.since, since), buttons(close, t.replay));
	});
}

function subscriptionActions(s) {
	const at = `subscribers/subscriptions/${s.id}`, name = s.description || `#${s.id}`;
	async function rotate() {
		const made = await sure(t.rotateTitle, sentenceOf(s.warnings.rotate), name, t.rotate, () => api.post(`${at}/rotate`));
		if (made?.secret)
			await showSecret(t.rotate, [[t.secret, made.secret]]);
	}
	return menu([
		{ text: t.deliveries, run: () => { location.hash = address(["subscribers", "deliveries", s.id]); } },
		{ text: t.ping, run: () => run(() => api.post(`${at}/ping`)) },
		s.validated_at ? null : { text: t.validate, run: () => run(() => api.post(`${at}/validate`)) },
		{ text: t.edit, run: () => openEditor(s) },
		Number(s.dead) ? { text: t.replayDead, run: () => run(() => replay(s, { dead: true }), (a) => (s.enabled && s.validated_at ? t.replayedMany : t.replayedLater)({ count: a.replayed })) } : null,
		{ text: t.replaySince, run: () => replaySince(s) },
		{ text: t.rotate, run: rotate },
		s.enabled ? { text: t.disable, danger: true, run: () => sure(t.disableTitle, sentenceOf(s.warnings.disable), name, t.disable, () => api.change(at, { enabled: false })) }
			: { text: t.enable, run: () => run(() => api.change(at, { enabled: true })) },
		{ text: t.remove, danger: true, run: () => sure(t.removeTitle, sentenceOf(s.warnings.delete), name, t.remove, () => api.remove(at), w.deleted) },
	], name);
}

function subscriptions() {
	return section(t.subscriptions, table([
		{ head: t.name, cell: (s) => [el("a", { href: address(["subscribers", "deliveries", s.id]) }, s.description || `#${s.id}`), el("div", { class: "small quiet" }, s.url)] },
		{ head: t.account, cell: (s) => [s.account ?? s.account_id, el("div", { class: "small quiet" }, s.workspace ?? workspaceName(s.workspace_id))] },
		{ head: t.filters, cell: (s) => inWords(s.event_filters) },
		{ head: t.state, cell: (s) => [state(levelOf[s.state] ?? "trouble", t.states[s.state] ?? s.state), s.state !== "well" && s.state_words ? el("div", { class: "small quiet" }, sentenceOf(s.state_words)) : null] },
		{ head: t.waiting, numeric: true, cell: (s) => number(s.waiting) },
		{ head: t.dead, numeric: true, cell: (s) => number(s.dead) },
		{ head: t.lastSuccess, cell: (s) => moment(s.last_success_at) },
		context.isOwner ? { head: w.acts, cell: subscriptionActions } : null,
	].filter(Boolean), now.subscriptions, { caption: t.subscriptions, key: (s) => s.id, empty: t.none }),
	context.isOwner && now.accounts.length ? el("button", { type: "button", onclick: () => openEditor(null) }, t.add) : null);
}

// ---- deliveries of one subscription

const PAGE = 50;
let shown = [], next = null;

async function deliveries(id, query, isMore) {
	const answer = await api.get(`subscribers/subscriptions/${id}/deliveries`, { state: query.state, after: isMore ? next : null });
	const s = now.subscriptions.find((each) => each.id === id);
	shown = isMore ? [...shown, ...answer.items] : answer.items;
	next = answer.next;
	const level = { delivered: "well", dead: "trouble", dropped: "off" };
	return section(t.deliveriesOf({ name: s?.description || `#${id}` }),
		el("div", { class: "line" }, el("a", { href: address("subscribers") }, t.back),
			el("div", { class: "buttons", role: "group" }, Object.entries(t.deliveryFilters).map(([key, text]) => el("a", {
				role: "button", class: (query.state ?? "all") === key ? "small" : "small secondary", "aria-current": (query.state ?? "all") === key ? "true" : null,
				href: address(["subscribers", "deliveries", id], { state: key === "all" ? "" : key }),
			}, text)))),
		table([
			{ head: t.event, cell: (d) => el("button", { type: "button", class: "plain sentence", onclick: () => openDelivery(d) }, whatOf(d)) },
			{ head: t.state, cell: (d) => state(level[d.state] ?? "wait", t.deliveryStates[d.state] ?? d.state) },
			{ head: t.attempts, numeric: true, cell: (d) => number(d.attempts ?? 0) },
			{ head: t.answer, cell: (d) => d.last_status ?? (sentenceOf(d.last_problem) || "–") },
			{ head: t.due, cell: (d) => moment(d.ended_at ?? d.due_at, { missing: "–" }) },
			context.isOwner ? { head: w.acts, cell: (d) => el("button", { type: "button", class: "secondary small", "aria-label": w.numbered({ what: t.replay, name: d.event_id }),
				onclick: (event) => act(event.currentTarget, () => api.post(`subscribers/deliveries/${d.id}/replay`), t.replayed).then((a) => a && fill()) }, t.replay) } : null,
		].filter(Boolean), shown, { caption: t.deliveries, key: (d) => d.id, empty: t.noDeliveries }),
		next ? el("button", { type: "button", class: "secondary", onclick: (event) => act(event.currentTarget, async () => replace(body, await deliveries(id, query, true))) }, w.more) : null);
}

/* Retention may have dropped the event. */
const whatOf = (d) => (d.event ? says(d.event) : t.deliveryWhat({ model: modelOf(d.model), action: w.actions[d.action] ?? d.action, id: d.event_id }));

async function openDelivery({ id, event }) {
	try {
		const d = await api.get(`subscribers/deliveries/${id}`);
		await dialog(t.delivery({ id }), () => [el("p", null, whatOf({ ...d, event }), event ? [" ", el("a", { class: "small", href: address("events", { open: `${d.workspace_id}/${d.event_id}/${d.event_created_at}` }) }, t.openEvent)] : null), table([
			{ head: t.attempt, cell: (a) => moment(a.at ?? a.started_at) },
			{ head: t.answer, cell: (a) => [String(a.status_code ?? a.status ?? "–"), a.answer ? el("pre", { class: "small", tabindex: "0" }, a.answer) : null] },
			{ head: t.took, numeric: true, cell: (a) => (a.took_ms === undefined || a.took_ms === null ? "–" : millis(a.took_ms)) },
			{ head: t.problem, cell: (a) => sentenceOf(a.problem) || "–" },
		], d.attempts ?? [], { caption: t.attempts, empty: t.noAttempts })]);
	} catch (error) {
		toast(why(error), "trouble");
	}
}

// ---- accounts

function newAccount() {
	return dialog(t.addAccount, (close) => {
		const name = el("input", { type: "text", required: true, maxlength: "200" });
		const user = el("input", { type: "text", inputmode: "numeric", pattern: "[0-9]+", required: true });
		const email = el("input", { type: "email", maxlength: "320" });
		const zone = zones(zoneName());
		return el("form", { onsubmit: async (event) => {
			event.preventDefault();
			const made = await act(event.submitter, () => api.post("subscribers/accounts", { name: name.value, user_id: user.value, email: email.value || null, zone: zone.value }));
			if (!made)
				return;
			close();
			await showSecret(t.addAccount, [[t.token, made.token]]);
			fill();
		} }, field(t.accountName, name), field(t.user, user, t.userHint), field(t.email, email), field(t.zone, zone), buttons(close, t.addAccount));
	});
}

function grant(a) {
	return dialog(t.grant, (close) => {
		const all = [...new Set(now.organizations.flatMap((o) => o.workspaces))];
		const workspace = choice(all.map((id) => [id, workspaceName(id)]), all[0]);
		const admin = el("input", { type: "checkbox", id: "grant-admin" });
		return el("form", { onsubmit: (event) => send(event, close, () => api.put(`subscribers/accounts/${a.id}/workspaces/${workspace.value}`, { is_admin: admin.checked })) }, field(t.workspace, workspace), el("label", { for: "grant-admin" }, admin, t.admin), buttons(close, t.grant));
	});
}

function accountActions(a) {
	const at = `subscribers/accounts/${a.id}`;
	async function newToken() {
		const made = await sure(t.newTokenTitle({ name: a.name }), t.newTokenWords, a.name, t.newToken, () => api.post(`${at}/token`));
		if (made?.token)
			await showSecret(t.newToken, [[t.token, made.token]]);
	}
	return menu([
		{ text: t.grant, run: () => grant(a) },
		...a.workspaces.map(({ id }) => ({ text: t.revoke({ name: workspaceName(id) }), danger: true, run: () => run(() => api.remove(`${at}/workspaces/${id}`), t.revoked) })),
		{ text: t.newToken, run: newToken },
		a.enabled ? { text: t.disableAccount, danger: true, run: () => sure(t.disableAccountTitle({ name: a.name }), t.disableAccountWords, a.name, t.disableAccount, () => api.change(at, { enabled: false })) }
			: { text: t.enableAccount, run: () => run(() => api.change(at, { enabled: true })) },
	], a.name);
}

function accounts() {
	return section(t.accounts, table([
		{ head: t.accountName, cell: (a) => [a.name, a.email ? el("div", { class: "small quiet" }, a.email) : null] },
		{ head: t.user, cell: (a) => el("code", null, a.user_id) },
		{ head: t.workspaces, cell: (a) => (a.workspaces.length ? a.workspaces.map((m) => el("div", null, workspaceName(m.id), m.is_admin ? [" ", label(t.isAdmin)] : null)) : w.none) },
		{ head: t.zone, cell: (a) => a.zone },
		{ head: t.state, cell: (a) => state(a.enabled ? "well" : "off", a.enabled ? w.overview.enabled : w.overview.disabled) },
		{ head: t.seen, cell: (a) => moment(a.seen_at) },
		context.isOwner ? { head: w.acts, cell: accountActions } : null,
	].filter(Boolean), now.accounts, { caption: t.accounts, key: (a) => a.id, empty: t.noAccounts }),
	context.isOwner ? el("button", { type: "button", onclick: newAccount }, t.addAccount) : null);
}

// ---- organizations: plans and limits

function organizationDialog(o) {
	return dialog(o ? o.name : t.addOrganization, (close) => {
		const name = el("input", { type: "text", required: true, maxlength: "200" });
		const plan = choice(Object.entries(t.plans), o?.plan ?? "enterprise");
		const count = (value) => el("input", { type: "number", min: "0", max: "100000000", value: value ?? "" });
		const webhooks = count(o?.max_webhooks), filters = count(o?.max_filters), hourly = count(o?.hourly_requests), ofUser = count(o?.user_requests);
		const given = () => Object.fromEntries(Object.entries({ max_webhooks: webhooks, max_filters: filters, hourly_requests: hourly, user_requests: ofUser })
			.filter(([key, input]) => input.value !== "" && Number(input.value) !== o[key]).map(([key, input]) => [key, Number(input.value)]));
		return el("form", { onsubmit: (event) => send(event, close, () => (o ? api.change(`subscribers/organizations/${o.id}`, { ...(plan.value !== o.plan ? { plan: plan.value } : {}), ...given() })
				: api.post("subscribers/organizations", { name: name.value, plan: plan.value }))) }, o ? null : field(t.accountName, name), field(t.plan, plan),
		o ? [field(t.webhooks, webhooks), field(t.filtersEach, filters), field(t.hourly, hourly), field(t.hourlyUser, ofUser)] : null, buttons(close, o ? w.save : t.addOrganization));
	});
}

function addWorkspace(o) {
	return dialog(t.addWorkspace, (close) => {
		const list = el("datalist", { id: "workspaces-known" }, context.session.workspaces.map(({ id, name }) => el("option", { value: id }, name)));
		const workspace = el("input", { type: "text", inputmode: "numeric", pattern: "[0-9]+", required: true, list: "workspaces-known" });
		return el("form", { onsubmit: (event) => send(event, close, () => api.put(`subscribers/workspaces/${workspace.value}`, { organization_id: o.id })) }, list, field(t.workspaceNumber, workspace), buttons(close, t.addWorkspace));
	});
}

function organizations() {
	return section(t.organizations, table([
		{ head: t.accountName, cell: (o) => o.name },
		{ head: t.plan, cell: (o) => t.plans[o.plan] ?? o.plan },
		{ head: t.workspaces, cell: (o) => o.workspaces.map(workspaceName).join(", ") || w.none },
		{ head: t.webhooks, numeric: true, cell: (o) => number(o.max_webhooks) },
		{ head: t.filtersEach, numeric: true, cell: (o) => number(o.max_filters) },
		{ head: t.hourly, numeric: true, cell: (o) => number(o.hourly_requests) },
		{ head: t.hourlyUser, numeric: true, cell: (o) => number(o.user_requests) },
		context.isOwner ? { head: w.acts, cell: (o) => menu([{ text: t.edit, run: () => organizationDialog(o) }, { text: t.addWorkspace, run: () => addWorkspace(o) }], o.name) } : null,
	].filter(Boolean), now.organizations, { caption: t.organizations, key: (o) => o.id, empty: t.noOrganizations }),
	context.isOwner ? el("button", { type: "button", onclick: () => organizationDialog(null) }, t.addOrganization) : null);
}

// ---- the view

async function made() {
	const { path, query } = here();
	now = await api.get("subscribers");
	return path[1] === "deliveries" ? deliveries(path[2], query, false) : path[1] === "accounts" ? accounts() : path[1] === "organizations" ? organizations() : subscriptions();
}

async function fill() {
	const mine = node;
	body.setAttribute("aria-busy", "true");
	try {
		const content = await made();
		if (mine === node)
			replace(body, content);
	} catch (error) {
		if (mine === node)
			replace(body, trouble(error, fill));
	} finally {
		body.removeAttribute("aria-busy");
	}
}

/* Refreshes the list in the background, without disturbing the reader. A list to which the reader
   has added more deliveries is left alone. */
async function keepFresh() {
	const mine = node, at = location.hash, isLong = here().path[1] === "deliveries" && shown.length > PAGE;
	if (!document.hidden && !isLong && !document.querySelector("dialog[open]"))
		try {
			const content = await made();
			if (mine === node && at === location.hash)
				patch(body, content);
		} catch {
			// the strip says that the data are old
		}
	if (mine === node)
		timer = setTimeout(keepFresh, EVERY_MS);
}

export const knows = ({ path }) => path[1] === undefined || Object.hasOwn(t.tabs, path[1]) || (path[1] === "deliveries" && /^[0-9]+$/.test(path[2] ?? ""));

export async function update(place) {
	const tab = Object.hasOwn(t.tabs, place.path[1] ?? "") ? place.path[1] : "subscriptions";
	showTabs(node, "subscribers", t.tabs, tab);
	await fill();
}

export async function show(place, given) {
	context = given;
	body = el("div");
	node = el("div", null, el("h1", null, w.views.subscribers), el("p", { class: "quiet" }, t.words), el("nav", { class: "tabs", "aria-label": w.views.subscribers }), body);
	await update(place);
	timer = setTimeout(keepFresh, EVERY_MS);
	return node;
}

export function leave() {
	clearTimeout(timer);
	node = null;
}
