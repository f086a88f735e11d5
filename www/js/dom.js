// SPDX-License-Identifier: ISC
// Making and changing nodes. Text is always text: nothing here reads HTML.

const SVG = "http://www.w3.org/2000/svg";
// What is set as a property; all else is an attribute.
const properties = new Set(["value", "checked", "selected", "disabled", "open", "hidden", "indeterminate"]);

function add(node, child) {
	if (child === null || child === undefined || child === false)
		return;
	if (Array.isArray(child))
		child.forEach((one) => add(node, one));
	else
		node.append(child);
}

function dress(node, attributes) {
	for (const [name, value] of Object.entries(attributes ?? {})) {
		if (value === null || value === undefined || value === false)
			continue;
		if (name.startsWith("on")) {
			node[name] = value;
			(node.listens ??= []).push(name);
		} else if (properties.has(name)) {
			node[name] = value;
		} else {
			node.setAttribute(name, value === true ? "" : value);
		}
	}
}

/* el("a", { href: "#/events", onclick: f }, "text", node, [more]). What is null,
   undefined or false is left out. */
export function el(tag, attributes, ...children) {
	const node = document.createElement(tag);
	dress(node, attributes);
	add(node, children);
	return node;
}

export function svg(tag, attributes, ...children) {
	const node = document.createElementNS(SVG, tag);
	dress(node, attributes);
	add(node, children);
	return node;
}

/* Signs that do not depend on colour; decoration beside words. */
const signs = {
	well: "M4 12l5 5L20 6",
	warning: "M12 4L2.5 20h19zM12 10v5M12 17.6v.2",
	trouble: "M8 3h8l5 5v8l-5 5H8l-5-5V8zM9 9l6 6M15 9l-6 6",
	off: "M5 12h14",
	wait: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 2",
	more: "M12 5.5v.1M12 12v.1M12 18.5v.1",
	cross: "M6 6l12 12M18 6L6 18",
	arrow: "M5 12h14M13 6l6 6-6 6",
};

export function sign(name, more = "") {
	return svg("svg", { class: `sign ${name} ${more}`, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
	           svg("path", { d: signs[name] ?? signs.off }));
}

export function replace(parent, ...children) {
	parent.replaceChildren();
	add(parent, children);
}

// ---- changing what is shown without disturbing who reads it

// What the reader, or an action under way, has changed.
const kept = new Set(["open", "aria-busy"]);

function isSame(old, fresh) {
	return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && old.dataset?.key === fresh.dataset?.key;
}

function patchNode(old, fresh) {
	if (old.nodeType === Node.TEXT_NODE) {
		if (old.data !== fresh.data)
			old.data = fresh.data;
		return;
	}
	// a chart, or what somebody may be typing into
	if (old.dataset?.keep !== undefined)
		return;
	for (const { name } of [...old.attributes])
		if (!fresh.hasAttribute(name) && !kept.has(name))
			old.removeAttribute(name);
	for (const { name, value } of fresh.attributes)
		if (name === "style")
			old.style.cssText = value;	// as an attribute our Content-Security-Policy forbids it
		else if (old.getAttribute(name) !== value && !kept.has(name))
			old.setAttribute(name, value);
	for (const name of fresh.listens ?? [])
		old[name] = fresh[name];
	if (old instanceof HTMLProgressElement)
		old.value = fresh.value;
	patch(old, ...fresh.childNodes);
}

/* Makes `parent` show these children. Nodes that are the same (by data-key, else
   by place) stay: focus, selection, open details and scrolling too. */
export function patch(parent, ...children) {
	const list = document.createElement("template").content;
	let at = parent.firstChild;

	add(list, children);
	for (const fresh of [...list.childNodes]) {
		let old = at;
		while (old && !isSame(old, fresh))
			old = fresh.dataset?.key === undefined ? null : old.nextSibling;
		if (old) {
			patchNode(old, fresh);
			if (old === at)
				at = at.nextSibling;
			else
				parent.insertBefore(old, at);
		} else {
			parent.insertBefore(fresh, at);
		}
	}
	while (at) {
		const next = at.nextSibling;
		at.remove();
		at = next;
	}
}
