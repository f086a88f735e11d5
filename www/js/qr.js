// SPDX-License-Identifier: ISC
// A QR code as a picture: the library gives the squares, and is fetched by the first.
import { svg } from "./dom.js";

const QUIET = 4;	// squares of nothing around it (ISO/IEC 18004, 6.3.8)

/* Dark on light in either scheme: readers want it so. */
export async function qr(text, title) {
	const { encodeQR } = await import("../vendor/qr.js");
	const rows = encodeQR(text, "raw", { ecc: "medium", border: QUIET }), size = rows.length;
	const dark = rows.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ""))).join("");

	return svg("svg", { class: "qr", viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": title, "shape-rendering": "crispEdges" },
		svg("rect", { width: size, height: size, fill: "#fff" }), svg("path", { d: dark, fill: "#000" }));
}
