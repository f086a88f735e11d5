// SPDX-License-Identifier: ISC
// Making and changing nodes. Text is always text: nothing here reads HTML.
import morphdom from "../vendor/morphdom.js";

const SVG = "http://www.w3.org/2000/svg";

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
		} else {
			node.setAttribute(name, value === true ? "" : value);
		}
	}
}

/* Makes a node: el("a", { href: "#/events", onclick: f }, "text", node, [more]). Leaves out
   attributes and children that are null, undefined or false. */
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

// ---- changing the page without disturbing the reader

/* The `open` that the page last gave each <details>: the reader's own choice stays until the
   page gives another one. */
const openAsGiven = new WeakMap();

const isControl = (node) => node instanceof HTMLInputElement || node instanceof HTMLSelectElement || node instanceof HTMLTextAreaElement;

/* Has the reader changed what the page last gave a control? */
function isChanged(control) {
	if (control instanceof HTMLSelectElement)
		return control.value !== ([...control.options].find((option) => option.defaultSelected) ?? control.options[0])?.value;
	return control.type === "checkbox" || control.type === "radio" ? control.checked !== control.defaultChecked : control.value !== control.defaultValue;
}

/* Copies to `fresh` what the reader, or an action that runs, has changed in `old`, so that the
   library does not undo it. */
function keepState(old, fresh) {
	if (old.hasAttribute("aria-busy")) {	// act() runs
		fresh.setAttribute("aria-busy", old.getAttribute("aria-busy"));
		fresh.toggleAttribute("disabled", old.hasAttribute("disabled"));
	}
	if (old instanceof HTMLDetailsElement) {
		const given = fresh.open;
		if (given === (openAsGiven.get(old) ?? false))
			fresh.open = old.open;
		openAsGiven.set(old, given);
	}
	// our Content-Security-Policy forbids to set it as an attribute
	if (fresh.hasAttribute("style"))
		old.style.cssText = fresh.style.cssText;
	else if (old.hasAttribute("style"))
		fresh.style.cssText = old.style.cssText;	// such as the position of a menu
	// the reader may still be typing; a value that only the page gave is replaced
	if (isControl(old) && old === document.activeElement && isChanged(old)) {
		fresh.value = old.value;
		fresh.checked = old.checked;
	}
}

function takeListeners(old, fresh) {
	for (const name of old.listens ?? [])
		old[name] = null;
	for (const name of fresh.listens ?? [])
		old[name] = fresh[name];
	old.listens = fresh.listens;
}

/* Makes `parent` show these children. Nodes that are the same (by data-key, which is unique
   among siblings, else by position) stay, with focus, selection, open details and scrolling.
   A control gets its new value, unless it has the focus and its reader has changed it. A node with data-keep (a chart, a form
   that somebody may be typing into) is not changed. */
export function patch(parent, ...children) {
	const fresh = parent.cloneNode(), active = document.activeElement, selects = new Map();

	/* The library identifies a node by its key alone, so the keys of all nodes around it are part
	   of the key. */
	function getNodeKey(node) {
		if (node.dataset?.key === undefined || node === parent || node === fresh)
			return undefined;
		let path = "";
		for (let at = node; at && at !== parent && at !== fresh; at = at.parentNode)
			if (at.dataset?.key !== undefined)
				path = `${at.dataset.key}\n${path}`;
		return path;
	}

	add(fresh, children);
	morphdom(parent, fresh, {
		childrenOnly: true,
		getNodeKey,
		addChild: (to, node) => (node.isConnected && to.moveBefore ? to.moveBefore(node, null) : to.append(node)),
		onBeforeElUpdated(old, one) {
			if (old.dataset?.keep !== undefined)
				return false;
			keepState(old, one);
			takeListeners(old, one);
			if (old instanceof HTMLSelectElement)
				selects.set(old, one.value);
			return true;
		},
		onNodeAdded(node) {
			if (node instanceof HTMLDetailsElement)
				openAsGiven.set(node, node.open);
		},
	});
	// the library selects by the attributes of the options only
	selects.forEach((value, select) => { select.value = value; });
	if (active !== document.activeElement && active?.isConnected)
		active.focus({ preventScroll: true });	// it lost the focus when it was moved
}
