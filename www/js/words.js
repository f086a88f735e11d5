// SPDX-License-Identifier: ISC
// The texts of the page in the current language. They are in words/*.js,
// one file a language, all with the same keys and parameters; see template.js.
import { clockOrDate, list, number, roughly, roughlyDative, setLocale, size, span } from "./format.js";
import { compile } from "./template.js";

const files = { en: () => import("./words/en.js"), de: () => import("./words/de.js") };
export const languages = Object.keys(files);

/* Texts, and functions that give texts of { parameter: value }. Its objects stay the
   same when the language changes, so a module may keep a part of it. */
export const w = {};

let language = null;
const NESTED_MAX = 5;

// ---- parameters

/* Text from outside, for a sentence: right-to-left text in it does not reorder the sentence. */
const TURNS = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff]|[\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const isolated = (text) => (TURNS.test(text) ? `\u2068${text}\u2069` : text);

const isTime = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)$/;

/* The text of a parameter. Its name says how it is written: *_seconds, *_bytes, *_count, *_at. */
function written(name, value, kind) {
	if (value === null || value === undefined)
		return "?";
	if (value instanceof Node)
		return value;
	if (Array.isArray(value)) {
		const items = value.map((each) => written(name, each));
		if (items.some((each) => typeof each !== "string"))
			return items.flat();
		return value.some((each) => typeof each === "object") ? items.join("; ") : list(items);
	}
	if (typeof value === "object")
		return value.code ? sentenceOf(value) : JSON.stringify(value);
	const isNumber = typeof value === "number" || (typeof value === "string" && /^-?[0-9]{1,15}$/.test(value));
	if (isNumber && /_(seconds|ms)$/.test(name))
		return (kind === "dative" ? roughlyDative : roughly)(Number(value) / (name.endsWith("_ms") ? 1000 : 1));
	if (isNumber && /_bytes$/.test(name))
		return size(Number(value));
	if (isNumber && /(^|_)count$/.test(name))
		return number(Number(value));
	if (isTime.test(value) && /(_at|until)$/.test(name))
		return clockOrDate(value);
	return isolated(String(value));
}

// ---- the language

/* Copies the catalogue into the objects that exist, because modules keep parts of them. */
function take(to, from, how) {
	for (const [key, value] of Object.entries(from))
		if (typeof value === "object")
			take((to[key] ??= Object.create(null)), value, how);	// names from the server are looked up in it
		else
			to[key] = compile(value, how);
}

/* The locale of this language, with the region of the browser. */
const localeOf = (tag) => navigator.languages.find((each) => each.split("-")[0] === tag)
	?? `${tag}-${new Intl.Locale(navigator.language).maximize().region}`;

const ofBrowser = () => navigator.languages.map((each) => each.split("-")[0]).find((each) => Object.hasOwn(files, each)) ?? "en";

/* Changes to the language that an operator has chosen, or else to the browser's. True: it is
   another one than before. */
export async function speak(chosen) {
	const wanted = Object.hasOwn(files, chosen ?? "") ? chosen : ofBrowser();
	if (wanted === language)
		return false;
	const { default: catalogue } = await files[wanted]();
	const locale = localeOf(wanted);
	setLocale(locale);
	take(w, catalogue, { rules: new Intl.PluralRules(locale), number: (value) => number(Number(value)), value: written });
	language = wanted;
	document.documentElement.lang = wanted;
	return true;
}

// ---- sentences of codes

let depth = 0;	// of sentences in sentences

const hasWords = (message) => Object.hasOwn(w.codes, message?.code ?? "");

/* The sentence of a message: { code, …parameters }, a list of them, or a sentence
   already. A code without a template is shown itself. */
export function sentenceOf(message) {
	if (message === null || message === undefined || typeof message === "string")
		return message ?? "";
	if (Array.isArray(message))
		return message.map(sentenceOf).join("\n");
	const { code, ...parameters } = message;
	const text = hasWords(message) && depth < NESTED_MAX ? w.codes[code] : null;
	if (typeof text === "string")
		return text;
	if (!text)
		return w.noWords({ code: String(code ?? JSON.stringify(message)).slice(0, 100) });
	depth++;
	try {
		return text(parameters);
	} finally {
		depth--;
	}
}

// ---- sentences of events

export const modelOf = (name) => w.models[name] ?? name.replaceAll("_", " ");

/* The sentence of an event: a list for el(). `dress` marks the texts that come from outside. */
export function says(item, dress) {
	const { who, what, name, duration_seconds: seconds, project } = item.sentence_parts ?? {};
	const verb = what ?? item.action, isTimer = item.model === "time_entry";
	const instead = isTimer ? w.event.noDescription : item.entity_id ?? null;
	const tail = [isTimer && seconds >= 0 && seconds !== null ? span(seconds) : null, project].filter(Boolean).join(", ");
	const text = w.event.did[verb] ?? w.event.did.other;
	const sentence = text({ who: dress.who(who ?? item.user_name ?? w.event.somebody), thing: w.event.things[item.model] ?? modelOf(item.model),
	                        what: verb, name: name ? dress.name(name) : instead });
	return [sentence, tail ? [", ", dress.tail(tail)] : null];
}

/* "time entries: created, updated; projects: all changes" */
export function filters(all) {
	const by = new Map();
	for (const { entity, action } of all ?? [])
		by.set(entity, [...(by.get(entity) ?? []), action]);
	return [...by].map(([entity, its]) => {
		const models = w.modelsOf[entity] ?? entity.replaceAll("_", " ");
		return entity === "*" && its.join() === "*" ? models : w.filter({ models, actions: list(its.map((each) => w.actions[each] ?? each)) });
	}).join("; ") || w.nothing;
}

await speak();
