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

/* #rgb or #rrggbb */
const rgb = (hex) => (hex.length === 4 ? [...hex.slice(1)].map((each) => each + each) : hex.match(/[0-9a-f]{2}/gi)).map((each) => parseInt(each, 16));
const isColour = /^#[0-9a-fA-F]{6}$/;
const ALIKE = 60;	// how far apart in red, green and blue together two colours may be and still be taken for one
const PATTERNS = 4;	// as .swatch of style.css has them

/* Colours that colour-blind people can distinguish, light and dark; the ninth is for all
   series without a colour of their own. */
const palette = (place) => css(`--c${Math.min(place, 8) + 1}`);

function luminance(colour) {
	const [r, g, b] = colour.map((each) => each / 255).map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/* As much nearer to the text's colour as it takes to be seen on a card. */
function visible(hex) {
	const card = luminance(rgb(css("--card"))), ink = card > 0.5 ? 0 : 255;
	let colour = rgb(hex);
	for (let step = 0; step < 8; step++) {
		const own = luminance(colour);
		if ((Math.max(own, card) + 0.05) / (Math.min(own, card) + 0.05) >= 3)
			break;
		colour = colour.map((each) => Math.round(each + (ink - each) * 0.15));
	}
	return colour;
}

/* How things in this order look, each { own, none }: its own colour where it has
   one, grey where it is nothing, else the next of ours; and a pattern where one
   before it looks alike (Toggl has 14 colours for all projects). */
export function looks(things) {
	const taken = [];
	return things.map(({ own, none }, place) => {
		const colour = visible(none ? palette(8) : isColour.test(own ?? "") ? own : palette(place));
		const alike = taken.filter((each) => each.reduce((sum, value, at) => sum + Math.abs(value - colour[at]), 0) < ALIKE).length;
		taken.push(colour);
		return { colour: `rgb(${colour.join(" ")})`, pattern: alike % PATTERNS };
	});
}

/* What belongs to a bar. */
export function swatch({ colour, pattern }) {
	const node = el("span", { class: `swatch pattern${pattern}`, "aria-hidden": "true" });
	node.style.backgroundColor = colour;
	return node;
}

/* The same look on a canvas. */
function paint({ colour, pattern }, card) {
	if (!pattern)
		return colour;
	const scale = devicePixelRatio || 1, side = 8, tile = document.createElement("canvas");
	tile.width = tile.height = side * scale;
	const on = tile.getContext("2d");
	on.scale(scale, scale);
	on.fillStyle = colour;
	on.fillRect(0, 0, side, side);
	on.strokeStyle = on.fillStyle = card;
	on.lineWidth = 2;
	on.beginPath();
	if (pattern === 3) {
		on.moveTo(0, 4);
		on.lineTo(side, 4);
	} else {
		// thrice, so that it goes on in the tile beside it
		for (const shift of [-side, 0, side]) {
			on.moveTo(shift - 1, pattern === 1 ? side + 1 : -1);
			on.lineTo(shift + side + 1, pattern === 1 ? -1 : side + 1);
		}
	}
	on.stroke();
	return on.createPattern(tile, "repeat");
}

/* A picture with its numbers below. `show({ x, series: [{ name, values, look }],
   label, rowName, rowText, tickText, valueText, steps, summary })`: x are seconds,
   ascending; steps: what may lie between ticks, in x and in y, and how `text` says a y.
   `recolour()`: it has become light or dark, so all looks() are others. */
export function stackedBars(recolour) {
	const canvas = el("div", { class: "canvas", "data-keep": "" });
	const where = el("li", { class: "where" });
	const legend = el("ul", { class: "legend" });
	const numbers = el("div", { class: "scrolls", tabindex: "0" });
	const node = el("figure", { class: "chart", "data-keep": "" }, canvas, legend, el("details", null, el("summary", null, w.sameInNumbers), numbers));
	let plot, shown, width;

	async function draw() {
		const uPlot = await load();
		const { x, series, label, tickText, valueText, steps, summary } = shown;
		// each bar reaches from zero to the sum of those below it: the tallest first; of nothing there is none
		const sums = [];
		series.forEach((one, place) => sums.push(one.values.map((value, at) => value + (place ? sums[place - 1][at] : 0))));
		const drawn = series.map((one, place) => ({ ...one, sum: sums[place].map((sum, at) => (one.values[at] ? sum : null)) })).reverse();
		const grid = { stroke: css("--line"), width: 1 }, text = css("--quiet");
		const gap = x.length > 1 ? x[1] - x[0] : 3600;
		const axis = { stroke: text, grid, ticks: grid, font: "12px system-ui, sans-serif" };

		const card = css("--card"), isWide = canvas.clientWidth / x.length > 12;
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
			axes: [{ ...axis, grid: { show: false }, size: 34, space: 88, incrs: steps.x, values: (u, all) => all.map(tickText) },
			       { ...axis, size: 56, incrs: steps.y, values: (u, all) => all.map(steps.text ?? valueText) }],
			series: [{}, ...drawn.map((one) => ({
				label: one.name, fill: paint(one.look, card), stroke: isWide ? card : null, width: isWide ? 1 : 0,	// a line between neighbours
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
		legend.replaceChildren(...series.map((one) => el("li", null, swatch(one.look), el("span", null, one.name, el("span", { class: "at" })))), where);
		numbers.setAttribute("role", "region");
		numbers.setAttribute("aria-label", w.sameInNumbers);
		numbers.replaceChildren(el("table", null,
			el("thead", null, el("tr", null, el("th", { scope: "col" }, rowName), series.map((one) => el("th", { scope: "col", class: "numeric" }, one.name)),
			                     el("th", { scope: "col", class: "numeric" }, w.time.total))),
			el("tbody", null, x.map((seconds, at) => [seconds, series.map((one) => one.values[at])]).reverse()
				.map(([seconds, values]) => el("tr", null, el("th", { scope: "row" }, rowText(seconds)),
					values.map((value) => el("td", { class: "numeric" }, value ? valueText(value) : "")),
					el("td", { class: "numeric" }, valueText(values.reduce((sum, value) => sum + value, 0))))))));
	}

	const redraw = () => { if (shown && node.isConnected) draw(); };
	new ResizeObserver(() => { if (canvas.clientWidth !== width) redraw(); }).observe(canvas);
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (shown && node.isConnected) recolour(); });

	return {
		/* The picture; once it is shown, what patch() keeps it for. */
		get node() {
			return node.isConnected ? el("figure", { class: "chart", "data-keep": "" }) : node;
		},
		show(what) {
			shown = what;
			tell();
			if (node.isConnected)
				draw();
		},
	};
}
