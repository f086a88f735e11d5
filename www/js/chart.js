// SPDX-License-Identifier: ISC
// Bars, stacked: uPlot draws them, and a table says the same in numbers.
import { el } from "./dom.js";
import { w } from "./words.js";
import { zoneName } from "./format.js";

let loaded;

/* uPlot is a fifth of the page's bytes: fetched by the first chart. */
function load() {
	loaded ??= new Promise((resolve, reject) => {
		document.head.append(el("link", { rel: "stylesheet", href: "vendor/uPlot.min.css" }));
		document.head.append(el("script", { src: "vendor/uPlot.iife.min.js", onload: () => resolve(globalThis.uPlot), onerror: reject }));
	});
	return loaded;
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/* Colours that are told apart with any eyes, light and dark; the ninth and on
   share one. */
export const colour = (place) => css(`--c${Math.min(place, 8) + 1}`);

const isColour = /^#[0-9a-fA-F]{6}$/;

/* What belongs to a bar: a project's own colour where it has one. */
export function swatch(given, place) {
	const node = el("span", { class: "swatch", "aria-hidden": "true" });
	node.style.backgroundColor = isColour.test(given ?? "") ? given : colour(place);
	return node;
}

/* A picture with its numbers below. `show({ x, series: [{ name, values, colour }],
   label, rowName, rowText, tickText, valueText, steps, summary })`: x are seconds,
   ascending; steps: what may lie between ticks, in x and in y, and how `text` says a y. */
export function stackedBars() {
	const canvas = el("div", { class: "canvas", "data-keep": "" });
	const where = el("li", { class: "where" });
	const legend = el("ul", { class: "legend" });
	const numbers = el("div", { class: "scrolls", tabindex: "0" });
	const node = el("figure", { class: "chart", "data-keep": "" }, canvas, legend, el("details", null, el("summary", null, w.sameInNumbers), numbers));
	let plot, shown, width;

	async function draw() {
		const uPlot = await load();
		const { x, series, label, tickText, valueText, steps, summary } = shown;
		// each bar reaches from zero to the sum of those below it: the tallest first
		const sums = [];
		series.forEach((one, place) => sums.push(one.values.map((value, at) => value + (place ? sums[place - 1][at] : 0))));
		const drawn = series.map((one, place) => ({ ...one, sum: sums[place] })).reverse();
		const grid = { stroke: css("--line"), width: 1 }, text = css("--quiet");
		const gap = x.length > 1 ? x[1] - x[0] : 3600;
		const axis = { stroke: text, grid, ticks: grid, font: "12px system-ui, sans-serif" };

		width = canvas.clientWidth;
		plot?.destroy();
		canvas.setAttribute("role", "img");
		canvas.setAttribute("aria-label", summary);
		plot = new uPlot({
			width: Math.max(canvas.clientWidth, 200),
			height: 220,
			tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), shown.zone ?? zoneName()),
			cursor: { drag: { x: false, y: false }, points: { show: false } },
			legend: { show: false },
			hooks: { setCursor: [(u) => point(u.cursor.idx)] },
			scales: { x: { time: true, range: () => [x[0] - gap / 2, x[x.length - 1] + gap / 2] }, y: { range: (u, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
			axes: [{ ...axis, grid: { show: false }, space: 88, incrs: steps.x, values: (u, all) => all.map(tickText) },
			       { ...axis, size: 56, incrs: steps.y, values: (u, all) => all.map(steps.text ?? valueText) }],
			series: [{}, ...drawn.map((one) => ({
				label: one.name, fill: one.colour, stroke: one.colour, width: 0,
				paths: uPlot.paths.bars({ size: [0.75, 60], gap: 1 }), points: { show: false },
			}))],
		}, [x, ...drawn.map((one) => one.sum)], canvas);
		if (label)
			canvas.title = label;
	}

	/* The legend says the numbers of the bar under the pointer. */
	function point(at) {
		const { x, series, rowText, valueText } = shown;
		const isOn = at !== null && at !== undefined;
		where.textContent = isOn ? rowText(x[at]) : "";
		[...legend.querySelectorAll("li:not(.where) .at")].forEach((node, place) => {
			node.textContent = isOn && series[place].values[at] ? ` ${valueText(series[place].values[at])}` : "";
		});
	}

	function tell() {
		const { x, series, rowName, rowText, valueText } = shown;
		legend.replaceChildren(...series.map((one) => {
			const spot = el("span", { class: "swatch", "aria-hidden": "true" });
			spot.style.backgroundColor = one.colour;
			return el("li", null, spot, one.name, el("span", { class: "at" }));
		}), where);
		numbers.setAttribute("role", "region");
		numbers.setAttribute("aria-label", w.sameInNumbers);
		numbers.replaceChildren(el("table", null,
			el("thead", null, el("tr", null, el("th", { scope: "col" }, rowName), series.map((one) => el("th", { scope: "col", class: "numeric" }, one.name)),
			                     el("th", { scope: "col", class: "numeric" }, w.time.total))),
			el("tbody", null, x.map((seconds, at) => [seconds, series.map((one) => one.values[at])]).reverse()
				.filter(([, values]) => values.some((value) => value > 0))
				.map(([seconds, values]) => el("tr", null, el("th", { scope: "row" }, rowText(seconds)),
					values.map((value) => el("td", { class: "numeric" }, value ? valueText(value) : "")),
					el("td", { class: "numeric" }, valueText(values.reduce((sum, value) => sum + value, 0))))))));
	}

	const redraw = () => { if (shown && node.isConnected) draw(); };
	new ResizeObserver(() => { if (canvas.clientWidth !== width) redraw(); }).observe(canvas);
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

	return {
		node,
		show(what) {
			shown = what;
			tell();
			if (node.isConnected)
				draw();
		},
	};
}
