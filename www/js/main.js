// SPDX-License-Identifier: ISC
// The frame: who is logged in, which view is shown, and the way between views.
import * as api from "./api.js";
import { el, patch, replace, sign } from "./dom.js";
import { clockOrDate, setZone } from "./format.js";
import { dialog, keepMomentsFresh, prove, showCurrent, toast, trouble, why } from "./parts.js";
import { address, here, onChange } from "./route.js";
import { speak, w } from "./words.js";
import { login } from "./views/login.js";
import { setup } from "./views/setup.js";

/* Each view's module exports show(place, context), which gives a node at once or
   after a while; it may export `leave()`, update(place) for another query, and
   knows(place) where some of its places are none. */
const views = {
	overview: () => import("./views/overview.js"),
	events: () => import("./views/events.js"),
	time: () => import("./views/time.js"),
	toggl: () => import("./views/toggl.js"),
	subscribers: () => import("./views/subscribers.js"),
	settings: () => import("./views/settings.js"),
};

const content = document.getElementById("content");
const top = document.getElementById("top");
const skip = document.getElementById("skip");
const strip = document.getElementById("strip");
const RETRY_MS = 5000;
let session = null;	// what GET session says
let current = null;	// { name, view } that is shown
let hasMoved = false;	// who only comes in reads from the top
let turn = 0;	// a view that comes late must not replace a later one

function nameOf(place) {
	return place.path[0] ?? "overview";
}

function showTop(name) {
	if (!session)
		return replace(top, el("span", { class: "brand" }, w.brand));
	patch(top,
		el("a", { class: "brand", href: "#/overview" }, w.brand),
		el("nav", { "aria-label": w.navigation }, el("ul", null, Object.keys(views).map((each) => el("li", { "data-key": each },
			el("a", { href: address(each), "aria-current": each === name ? "page" : null }, w.views[each]))))),
		el("div", { class: "who" }, el("a", { href: "#/settings", class: "name", title: w.settings.roleWords[session.operator.role] }, session.operator.name),
			el("button", { type: "button", class: "plain small", onclick: logOut }, w.login.out)));
	showCurrent(top.querySelector("nav"));
}

async function logOut() {
	try {
		await api.remove("session");
	} catch (error) {
		if (error.status !== 401)
			return toast(why(error), "trouble");
	}
	forget();
	ask();
}

function forget() {
	current?.view.leave?.();
	current = null;
	session = null;
	document.querySelectorAll("dialog[open]").forEach((each) => each.close());	// it would lie over the form to log in
	turn++;	// what is still on its way comes too late
	api.setCsrf("");
	showTop("");
}

async function begin(answer) {
	session = answer;
	api.setCsrf(answer.csrf);
	setZone(answer.operator.zone);
	if (await speak(answer.operator.language)) {
		tellFrame();
		current?.view.leave?.();
		current = null;	// to be shown anew
	}
	show();
}

/* What stands beside the view. */
function tellFrame() {
	skip.textContent = w.skip;
}

/* Who is not logged in is asked; where it is the first visit, set up. */
function ask(isFirst = false, hasEnded = false) {
	const view = isFirst ? setup(begin) : login(begin, hasEnded);
	document.title = w.title({ view: isFirst ? w.setup.title : w.login.title });
	replace(content, view);
	hasMoved = true;
	view.querySelector("input")?.focus();
}

function focusTitle() {
	const title = content.querySelector("h1");
	if (title) {
		title.tabIndex = -1;
		title.focus({ preventScroll: true });
	}
	scrollTo(0, 0);
}

function showGone() {
	document.title = w.title({ view: w.pageGone });
	replace(content, el("h1", null, w.pageGone), el("p", null, w.pageGoneWords), el("p", null, el("a", { href: "#/overview" }, w.pageGoneAct)));
}

async function show() {
	const place = here(), name = nameOf(place), mine = ++turn;

	if (!session)
		return;
	showTop(name);
	const isSame = current?.name === name && current.view.update && current.view.knows?.(place) !== false;
	if (!isSame) {
		current?.view.leave?.();
		current = null;
	}
	if (!Object.hasOwn(views, name))
		return showGone();
	document.title = w.title({ view: w.views[name] });
	try {
		if (isSame)
			return await current.view.update(place, context());
		content.setAttribute("aria-busy", "true");
		const view = await views[name]();
		if (mine !== turn)
			return;
		if (view.knows?.(place) === false)
			return showGone();
		current = { name, view };
		const node = await view.show(place, context());
		if (mine !== turn)
			return;
		replace(content, node);
		if (hasMoved)
			focusTitle();
		hasMoved = true;
	} catch (error) {
		if (mine !== turn)
			return;
		current?.view.leave?.();
		current = null;	// to be tried again from the start
		replace(content, el("h1", null, w.views[name]), trouble(error, show));
	} finally {
		content.removeAttribute("aria-busy");
	}
}

function context() {
	return {
		session,
		isOwner: session.operator.role === "owner",
		workspace: (id) => session.workspaces.find((each) => each.id === id)?.name ?? (id ? w.workspaceNumber({ id }) : ""),
		/* For what changes who one is: zone, language. */
		async reload() {
			await begin(await api.get("session"));
		},
	};
}

/* The form to log in opens over the page, so that typed text stays. */
api.onSessionEnded(async () => {
	if (!session)
		return false;
	const before = session, mine = turn;
	content.removeAttribute("aria-busy");
	const answer = await dialog(w.login.title, (close) => login(close, true, true));
	if (session !== before)
		return false;	// somebody has logged out meanwhile
	if (answer && answer.operator.name === before.operator.name) {
		session = answer;
		api.setCsrf(answer.csrf);
		return mine === turn;
	}
	forget();
	if (answer)
		begin(answer);
	else
		ask(false, true);
	return false;
});
let retrying;

/* While requests fail, the data on the page are old. One strip says so for the whole page. */
api.onContact((lost) => {
	const wasLost = document.body.classList.contains("stale"), isOld = Boolean(lost && session);
	clearTimeout(retrying);
	document.body.classList.toggle("stale", isOld);
	patch(strip, isOld ? el("p", null, sign("warning"), el("span", null, lost.status ? w.strip.failed({ when: clockOrDate(lost.since), why: lost.why }) : w.strip.silent({ when: clockOrDate(lost.since) }))) : null);
	if (isOld)
		retrying = setTimeout(() => api.get("session").catch(() => {}), RETRY_MS);	// an error comes here again
	else if (wasLost && session)
		current?.view.update?.(here(), context())?.catch?.(() => {});
});
api.onProofNeeded(() => prove(session?.operator.name ?? "", (password) => api.post("session/proof", { password })));
onChange(show);
skip.onclick = (event) => {
	event.preventDefault();	// the hash is the place one is at
	content.focus();
};
tellFrame();
keepMomentsFresh();
addEventListener("resize", () => document.querySelectorAll(".top nav, .tabs").forEach(showCurrent));

try {
	const answer = await api.get("session");
	showTop("");
	if (answer.operator)
		begin(answer);
	else
		ask(answer.setup);
} catch (error) {
	showTop("");
	if (error.status === 401)
		ask();
	else
		replace(content, el("h1", null, sign("trouble"), " ", w.brand), trouble(error, () => location.reload()));
}
