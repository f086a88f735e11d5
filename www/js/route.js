// SPDX-License-Identifier: ISC
// Where one is: "#/events?model=tag" is { path: ["events"], query: { model: "tag" } }.
// All that a view shows follows from it, so it can be mailed and gone back to.

function decoded(part) {
	try {
		return decodeURIComponent(part);
	} catch {
		return part;	// typed by hand
	}
}

export function here() {
	const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
	return {
		path: path.split("/").filter(Boolean).map(decoded),
		query: Object.fromEntries(new URLSearchParams(query ?? "")),
	};
}

/* The address of a place; what is empty in `query` is left out. */
export function address(path, query = {}) {
	const kept = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
	const text = new URLSearchParams(kept).toString();
	return `#/${[].concat(path).map((part) => encodeURIComponent(part)).join("/")}${text ? `?${text}` : ""}`;
}

export function go(path, query, { replace = false } = {}) {
	const to = address(path, query);
	if (replace)
		location.replace(to);
	else
		location.hash = to;
}

export function onChange(listener) {
	addEventListener("hashchange", listener);
}
