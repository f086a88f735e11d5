// SPDX-License-Identifier: ISC
// Settings: the operator's own account, operators, sessions, alerts, and the audit trail.
import * as api from "../api.js";
import { el, replace } from "../dom.js";
import { browserOf, dateAndClock, exact, zoneName } from "../format.js";
import { act, choice, confirm, copyable, dialog, field, label, menu, moment, section, showSecret, showTabs, state, table, toast, trouble, why } from "../parts.js";
import { languages, sentenceOf, w } from "../words.js";
import { qr } from "../qr.js";
import { zones } from "./setup.js";
import { ticks } from "./ticks.js";

const t = w.settings;
let node, body, context, tab;

// ---- you

// ---- codes at login

const codeInput = () => el("input", { type: "text", autocomplete: "one-time-code", autocapitalize: "none", spellcheck: "false", required: true, maxlength: "40", autofocus: true });

function showCodes({ codes }) {
	return dialog(t.totp.codes, (close) => el("div", null, el("p", null, state("warning", w.shownOnce)), el("p", null, t.totp.codesWords),
		copyable(codes.join("\n"), { block: true }),
		el("footer", null, el("button", { type: "button", onclick: () => close(true) }, w.close))));
}

async function setUpCodes(button) {
	const made = await act(button, () => api.post("me/totp"));
	if (!made)
		return;
	const picture = await qr(made.uri, t.totp.picture);
	const confirmed = await dialog(t.totp.begin, (close) => {
		const code = codeInput();
		return el("form", { onsubmit: async (event) => {
			event.preventDefault();
			const answer = await act(event.submitter, () => api.put("me/totp", { code: code.value }), t.totp.done);
			if (answer)
				return close(answer);
			code.select();
			code.focus();
		} },
			el("p", null, t.totp.scan), picture,
			el("div", { class: "field" }, el("strong", null, t.totp.secret), copyable(made.secret)),
			field(t.totp.code, code),
			el("footer", null, el("button", { type: "button", class: "secondary", onclick: () => close() }, w.cancel), el("button", { type: "submit" }, t.totp.confirm)));
	});
	if (!confirmed)
		return;
	await showCodes(confirmed);
	fill();
}

async function freshCodes(button) {
	const made = await act(button, () => api.post("me/totp/codes"));
	if (!made)
		return;
	await showCodes(made);
	fill();
}

async function endCodes() {
	const isOver = await dialog(t.totp.end, (close) => {
		const code = codeInput();
		return el("form", { onsubmit: async (event) => {
			event.preventDefault();
			if (await act(event.submitter, () => api.remove("me/totp", { code: code.value }), t.totp.ended))
				return close(true);
			code.select();
			code.focus();
		} },
			el("p", null, t.totp.endWords), field(w.login.code, code),
			el("footer", null, el("button", { type: "button", class: "secondary", onclick: () => close() }, w.cancel), el("button", { type: "submit", class: "danger" }, t.totp.end)));
	});
	if (isOver)
		fill();
}

function codesAtLogin(totp) {
	return section(t.totp.title, totp.on
		? [el("p", null, state(totp.codes_left > 2 ? "well" : "warning", t.totp.on({ count: totp.codes_left }))),
			el("div", { class: "line" }, el("button", { type: "button", class: "secondary", onclick: (event) => freshCodes(event.currentTarget) }, t.totp.fresh),
				el("button", { type: "button", class: "danger", onclick: endCodes }, t.totp.end))]
		: [el("p", null, state("off", t.totp.off)),
			el("button", { type: "button", onclick: (event) => setUpCodes(event.currentTarget) }, t.totp.begin)]);
}

async function me() {
	const { operator } = await api.get("session");	// nothing else here asks whether one is logged in still
	const zone = zones(zoneName(), { name: "zone" });
	const language = choice([["", t.browserLanguage], ...languages.map((tag) => [tag, new Intl.DisplayNames(tag, { type: "language" }).of(tag)])], operator.language ?? "");
	const old = el("input", { type: "password", autocomplete: "current-password", required: true });
	const fresh = el("input", { type: "password", autocomplete: "new-password", required: true, minlength: "12" });

	async function saveZone(event) {
		event.preventDefault();
		// the button is busy until the view is shown anew: what is typed before that would be lost
		await act(event.submitter, async () => {
			await api.change("me", { zone: zone.value });
			await context.reload();
		}, w.saved);
	}
	async function saveLanguage(event) {
		event.preventDefault();
		if (await act(event.submitter, () => api.put("me/language", { language: language.value || null })))
			await context.reload();
		toast(w.saved);
	}
	async function savePassword(event) {
		event.preventDefault();
		if (await act(event.submitter, () => api.change("me", { password: fresh.value, old_password: old.value }), w.saved))
			old.value = fresh.value = "";
	}
	return [
		section(t.zone, el("form", { class: "slim", onsubmit: saveZone }, field(t.zone, zone, t.zoneHint), el("button", { type: "submit" }, w.save))),
		section(t.language, el("form", { class: "slim", onsubmit: saveLanguage }, field(t.language, language, t.languageHint), el("button", { type: "submit" }, w.save))),
		section(t.password, el("form", { class: "slim", onsubmit: savePassword },
			el("input", { type: "text", autocomplete: "username", value: context.session.operator.name, hidden: true, "aria-hidden": "true" }),
			field(t.oldPassword, old), field(t.newPassword, fresh, t.passwordHint), el("button", { type: "submit" }, t.changePassword))),
		codesAtLogin(operator.totp),
	];
}

// ---- operators

async function operators() {
	const { items } = await api.get("operators");
	const changed = async (button, id, change) => { if (await act(button, () => api.change(`operators/${id}`, change), w.saved)) fill(); };

	async function disable(button, o) {
		if (await confirm({ title: t.disableTitle({ name: o.name }), words: t.disableWords({ name: o.name }), name: o.name, act: t.disable }))
			await changed(button, o.id, { enabled: false });
	}
	async function resetCodes(button, o) {
		if (await confirm({ title: t.totp.resetTitle({ name: o.name }), words: t.totp.resetWords({ name: o.name }), name: o.name, act: t.totp.reset }))
			await changed(button, o.id, { totp: false });
	}
	function reset(o) {
		return dialog(t.resetTitle({ name: o.name }), (close) => {
			const password = el("input", { type: "password", autocomplete: "new-password", minlength: "12", required: true });
			return el("form", { onsubmit: async (event) => {
				event.preventDefault();
				if (await act(event.submitter, () => api.change(`operators/${o.id}`, { password: password.value }), w.saved))
					close(true);
			} }, el("p", null, t.resetWords), field(t.newPassword, password, w.setup.passwordHint),
			el("footer", null, el("button", { type: "button", class: "secondary", onclick: () => close() }, w.cancel), el("button", { type: "submit" }, w.save)));
		});
	}
	return [section(t.tabs.operators, table([
		{ head: t.name, cell: (o) => [o.name, o.is_me ? [" ", label(t.you)] : null] },
		{ head: t.role, cell: (o) => t.roleWords[o.role] },
		{ head: t.zone, cell: (o) => o.zone },
		{ head: t.state, cell: (o) => state(o.enabled ? "well" : "off", o.enabled ? t.enabled : t.disabled) },
		{ head: t.totp.head, cell: (o) => state(o.totp ? "well" : "off", o.totp ? t.totp.isOn : t.totp.isOff) },
		{ head: t.lastLogin, cell: (o) => moment(o.seen_at) },
		context.isOwner ? { head: w.acts, cell: (o) => menu([
			{ text: o.role === "owner" ? t.makeViewer : t.makeOwner, run: (button) => changed(button, o.id, { role: o.role === "owner" ? "viewer" : "owner" }) },
			o.is_me ? null : { text: t.reset, run: () => reset(o) },
			o.is_me || !o.totp ? null : { text: t.totp.reset, danger: true, run: (button) => resetCodes(button, o) },
			o.enabled ? { text: t.disable, danger: true, run: (button) => disable(button, o) } : { text: t.enable, run: (button) => changed(button, o.id, { enabled: true }) },
		], o.name) } : null,
	].filter(Boolean), items, { caption: t.tabs.operators, key: (o) => o.id })),
	context.isOwner ? section(t.add, addOperator()) : null];
}

function addOperator() {
	const name = el("input", { type: "text", autocomplete: "off", required: true, maxlength: "100" });
	const password = el("input", { type: "password", autocomplete: "new-password", required: true, minlength: "12" });
	const role = choice(Object.entries(t.roles), "viewer");
	const zone = zones(zoneName());
	return el("form", { class: "slim", onsubmit: async (event) => {
		event.preventDefault();
		if (await act(event.submitter, () => api.post("operators", { name: name.value, password: password.value, role: role.value, zone: zone.value }), t.added({ name: name.value })))
			fill();
	} }, field(t.name, name), field(t.role, role), field(t.password, password, w.setup.passwordHint), field(t.zone, zone), el("button", { type: "submit" }, t.addAct));
}

// ---- sessions

function agentOf({ agent }) {
	const known = browserOf(agent);
	return known ? t.browserOn({ browser: known[0], system: known[1] }) : agent || w.unknown;
}

async function sessions() {
	const { items } = await api.get("sessions");
	return section(t.tabs.sessions, el("p", { class: "quiet" }, t.sessionsWords), table([
		{ head: t.operator, cell: (s) => [s.operator, s.is_me ? [" ", label(t.thisOne)] : null] },
		{ head: t.address, cell: (s) => el("span", { class: "whole" }, s.address ?? w.unknown) },
		{ head: t.agent, cell: (s) => el("span", { class: "cut", title: s.agent }, agentOf(s)) },
		{ head: t.since, cell: (s) => moment(s.made_at) },
		{ head: t.used, cell: (s) => moment(s.seen_at) },
		{ head: w.acts, cell: (s) => el("button", { type: "button", class: "secondary small", "aria-label": t.endOf({ name: s.operator, address: s.address ?? "" }), onclick: async (event) => {
			if (await act(event.currentTarget, () => api.remove(`sessions/${s.id}`), t.ended))
				fill();
		} }, t.end) },
	], items, { caption: t.tabs.sessions, key: (s) => s.id }));
}

// ---- alerts

async function alerts() {
	const { items } = await api.get("alerts");
	async function remove(n) {
		if (!await confirm({ title: t.removeAlertTitle, words: t.removeAlertWords({ name: n.target }), name: n.target.replace(/\/…$/u, ""), act: t.removeAlert }))
			return;
		try {
			await api.remove(`alerts/${n.id}`);
			fill();
		} catch (error) {
			toast(why(error), "trouble");
		}
	}
	return [section(t.tabs.alerts, el("p", { class: "quiet" }, t.alertsWords), table([
		{ head: t.target, cell: (n) => n.target },
		{ head: t.kind, cell: (n) => t.kinds[n.kind] ?? n.kind },
		{ head: t.state, cell: (n) => state(!n.enabled ? "off" : n.last_problem ? "warning" : "well", !n.enabled ? t.disabled : t.enabled) },
		{ head: t.lastSent, cell: (n) => moment(n.last_sent_at) },
		{ head: t.problem, cell: (n) => n.last_problem ? sentenceOf(n.last_problem) : "–" },
		context.isOwner ? { head: w.acts, cell: (n) => el("div", { class: "line" },
			el("button", { type: "button", class: "secondary small", "aria-label": t.testOf({ name: n.target }), onclick: async (event) => {
				const answer = await act(event.currentTarget, () => api.post(`alerts/${n.id}/test`), (a) => sentenceOf(a.words) || w.saved);
				if (answer)
					fill();
			} }, t.test),
			menu([
				n.enabled ? { text: t.disable, run: async (b) => { if (await act(b, () => api.change(`alerts/${n.id}`, { enabled: false }))) fill(); } }
					: { text: t.enable, run: async (b) => { if (await act(b, () => api.change(`alerts/${n.id}`, { enabled: true }))) fill(); } },
				{ text: t.removeAlert, danger: true, run: () => remove(n) },
			], n.target)) } : null,
	].filter(Boolean), items, { caption: t.tabs.alerts, key: (n) => n.id, empty: t.noAlerts })),
	context.isOwner ? section(t.addAlert, addAlert()) : null];
}

function addAlert() {
	const kind = choice(Object.entries(t.kinds), "mail", { onchange: () => {
		target.type = kind.value === "mail" ? "email" : "url";
		what.textContent = t.targets[kind.value] ?? t.chatTarget;
	} });
	const target = el("input", { type: "email", required: true, maxlength: "2000" });
	const targetField = field(t.targets.mail, target), what = targetField.querySelector("label");
	return el("form", { class: "slim", onsubmit: async (event) => {
		event.preventDefault();
		const made = await act(event.submitter, () => api.post("alerts", { kind: kind.value, target: target.value }), t.alertAdded);
		if (made?.secret)
			await showSecret(t.addAlert, [[t.secret, made.secret]]);
		if (made)
			fill();
	} }, field(t.kind, kind), targetField, el("button", { type: "submit" }, t.addAct));
}

// ---- thresholds

async function options() {
	const { items } = await api.get("settings");
	return section(t.tabs.findings, el("p", { class: "quiet" }, t.optionsWords), el("form", { class: "slim", onsubmit: async (event) => {
		event.preventDefault();
		const given = Object.fromEntries([...new FormData(event.target)].map(([name, value]) => [name, Number(value)]));
		if (await act(event.submitter, () => api.change("settings", given), w.saved))
			fill();
	} }, items.map((o) => field(t.options[o.name] ?? o.name, el("input", { type: "number", name: o.name, value: String(o.value), min: String(o.least), max: String(o.most), required: true, disabled: !context.isOwner }),
		t.optionHint({ words: t.optionWords[o.name] ?? o.name, value: o.default }))),
	context.isOwner ? el("button", { type: "submit" }, w.save) : el("p", { class: "quiet" }, w.viewerOnly)));
}

// ---- the trail

let trail = [], after = null;

const called = (name) => w.fields[name] ?? name.replaceAll("_", " ");

const valuesOf = { role: t.roleWords, kind: t.kinds, plan: w.subscribers.plans };

/* A value, or what is in a list or an object, without their brackets. */
function valueText(value, name) {
	if (value === null || value === undefined)
		return w.none;
	if (typeof value === "boolean")
		return value ? w.yes : w.no;
	if (typeof value !== "object")
		return valuesOf[name]?.[value] ?? String(value);
	return (Array.isArray(value) ? value.map((each) => valueText(each)).join("; ") : Object.entries(value).map(([name, own]) => t.member({ name: called(name), value: valueText(own, name) })).join(", ")) || w.none;
}

/* What was {"role":"viewer"} and became {"role":"owner"}: "role: viewer → owner";
   never more than fits. */
function change({ before, after: became }) {
	const isNew = before === null || before === undefined, isGone = became === null || became === undefined;
	if (isNew && isGone)
		return el("span", { class: "quiet" }, "–");
	const byName = (value) => (typeof value === "object" && !Array.isArray(value) ? value ?? {} : { "": value });
	const was = byName(before), is = byName(became);
	const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
	// of a change only what has changed
	const text = names.filter((name) => isNew || isGone || valueText(was[name]) !== valueText(is[name])).map((name) => {
		const value = isNew ? valueText(is[name], name) : isGone ? valueText(was[name], name) : `${valueText(was[name], name)} → ${valueText(is[name], name)}`;
		return name ? t.member({ name: called(name), value }) : value;
	}).join(", ");
	if (!text)	// such as of a password
		return el("span", { class: "quiet" }, "–");
	return el("span", { class: "cut", title: text }, isGone ? t.was({ what: text }) : text);
}

async function audit(isMore) {
	const answer = await api.get("audit", { after: isMore ? after : null });
	trail = isMore ? [...trail, ...answer.items] : answer.items;
	after = answer.next;
	return section(t.tabs.audit, el("p", { class: "quiet" }, t.auditWords), table([
		{ head: t.when, cell: (a) => el("time", { datetime: a.at, title: exact(a.at), class: "whole" }, dateAndClock(a.at)) },
		{ head: t.who, cell: (a) => [el("span", { class: "whole" }, !a.address && a.operator === "command line" ? t.commandLine : a.operator), a.address ? el("span", { class: "quiet small whole" }, ` ${a.address}`) : null] },
		{ head: t.what, cell: (a) => [el("span", { class: "label" }, t.did[a.action] ?? a.action), " ", sentenceOf(a.subject)] },
		{ head: t.change, cell: change },
	], trail, { caption: t.tabs.audit, key: (a) => a.id, empty: t.nothingYet }),
	after ? el("button", { type: "button", class: "secondary", onclick: (event) => act(event.currentTarget, async () => replace(body, await audit(true))) }, w.more) : null);
}

// ---- the view

const parts = { me, operators, sessions, alerts, ticks: () => ticks(context, fill), findings: options, audit: () => audit(false) };

/* Shows the tab anew, after a change or for another place. */
async function fill() {
	const mine = tab;
	body.setAttribute("aria-busy", "true");
	try {
		const made = await parts[tab]();
		if (mine === tab)
			replace(body, made);
	} catch (error) {
		if (mine === tab)
			replace(body, trouble(error, fill));
	} finally {
		body.removeAttribute("aria-busy");
	}
}

export const knows = ({ path }) => path[1] === undefined || Object.hasOwn(parts, path[1]);

export async function update(place) {
	tab = place.path[1] ?? "me";
	showTabs(node, "settings", t.tabs, tab);
	await fill();
}

export async function show(place, given) {
	context = given;
	body = el("div");
	node = el("div", null, el("h1", null, w.views.settings), el("nav", { class: "tabs", "aria-label": w.views.settings }), body);
	await update(place);
	return node;
}
