// SPDX-License-Identifier: ISC
// Sentences from templates, which are a small part of ICU MessageFormat, as in
// src/ledger/catalog.h: {name}, {name, plural, =0 {…} one {…} other {# …}} and
// {name, select, value {…} none {…} other {…}}, where none is taken for a parameter
// that is missing. {name, kind} is for what one language needs. An apostrophe in front of a brace quotes up to the next apostrophe.

const NUMBER = Symbol("#");

/* The pieces of a template: strings, NUMBER, and { name, kind, branches }. */
function parse(text) {
	let at = 0;

	function word(end) {
		const from = at;
		while (at < text.length && !end.includes(text[at]))
			at++;
		return text.slice(from, at).trim();
	}
	function placeholder() {
		const name = word(",}"), branches = {};
		let kind = "";
		if (text[at] === ",") {
			at++;
			kind = word(",}");
			at += text[at] === ",";
			for (let key = word("{}"); at < text.length && text[at] === "{"; key = word("{}")) {
				at++;
				branches[key] = pieces();
			}
		}
		at++;
		return { name, kind, branches };
	}
	/* Up to the brace that closes, which is taken too. */
	function pieces() {
		const all = [];
		let plain = "";
		for (; at < text.length && text[at] !== "}"; at++) {
			if (text[at] === "'" && /[{}]/.test(text[at + 1] ?? "")) {
				const end = text.indexOf("'", at + 1);
				plain += text.slice(at + 1, end < 0 ? undefined : end);
				at = end < 0 ? text.length : end;
			} else if (text[at] === "{" || text[at] === "#") {
				all.push(plain);
				plain = "";
				if (text[at] === "#") {
					all.push(NUMBER);
				} else {
					at++;
					all.push(placeholder());
					at--;
				}
			} else {
				plain += text[at];
			}
		}
		at++;
		return [...all, plain].filter((piece) => piece !== "");
	}
	return pieces();
}

function branchOf({ kind, branches }, value, rules) {
	const isNone = value === null || value === undefined;
	if (kind === "select")
		return branches[isNone ? "none" : String(value)] ?? branches.other;
	return branches[`=${value}`] ?? (isNone ? null : branches[rules.select(Number(value))]) ?? branches.other;
}

function write(pieces, params, how, counted) {
	return pieces.flatMap((piece) => {
		if (piece === NUMBER)
			return counted === undefined ? "#" : how.number(counted);
		if (typeof piece === "string")
			return piece;
		const value = Object.hasOwn(params, piece.name) ? params[piece.name] : undefined;
		if (piece.kind !== "plural" && piece.kind !== "select")
			return how.value(piece.name, value, piece.kind);
		return write(branchOf(piece, value, how.rules) ?? [], params, how, piece.kind === "plural" ? value : undefined);
	});
}

/* What stands for a template: a function of its parameters where it has some, else
   itself. `how`: { rules, number(value), value(name, value, kind) } write what is put in;
   where that is a node the whole is a list for el(). */
export function compile(template, how) {
	if (!template.includes("{"))
		return template;
	const pieces = parse(template);
	return (params = {}) => {
		const made = write(pieces, params, how);
		return made.every((piece) => typeof piece === "string") ? made.join("") : made;
	};
}
