// SPDX-License-Identifier: ISC
// Times, spans, numbers and sizes, in the language of the page and the operator's
// zone.

let zone = "UTC", locale = "en";
const made = new Map();

export function setZone(name) {
	zone = name;
	made.clear();
}

export function setLocale(tag) {
	locale = tag;
	made.clear();
}

export const zoneName = () => zone;

/* Formatters are slow to make, so one of each kind is kept. */
function kept(kind, make) {
	if (!made.has(kind))
		made.set(kind, make());
	return made.get(kind);
}

const formatter = (kind, options) => kept(kind, () => new Intl.DateTimeFormat(locale, { timeZone: zone, ...options }));
const numbers = (kind, options) => kept(kind, () => new Intl.NumberFormat(locale, options));
const inUnit = (value, unit, unitDisplay, options) => numbers(`${unit} ${unitDisplay}`, { style: "unit", unit, unitDisplay, ...options }).format(value);

export function exact(time) {
	return Number.isNaN(Date.parse(time)) ? String(time) : formatter("exact", { dateStyle: "medium", timeStyle: "long" }).format(new Date(time));
}

export function clock(time) {
	return formatter("clock", { hour: "2-digit", minute: "2-digit" }).format(new Date(time));
}

export function dateAndClock(time) {
	return formatter("dateclock", { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
}

export function dayAndClock(time) {
	return formatter("dayclock", { weekday: "short", hour: "2-digit", minute: "2-digit" }).format(new Date(time));
}

/* For the ticks of an axis: midnight is shown as the day. */
export function hourOrDay(time) {
	const { hour, minute } = partsOf(time);
	return hour === "00" && minute === "00" ? formatter("tickday", { weekday: "short", day: "numeric" }).format(new Date(time)) : clock(time);
}

export function date(time) {
	return formatter("date", { dateStyle: "medium" }).format(new Date(time));
}

/* A day of the calendar ("2026-11-25"), which is in no zone. */
export function day(text, options = { weekday: "short", day: "numeric", month: "short" }) {
	return new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options }).format(new Date(`${text}T00:00:00Z`));
}

/* Regions whose weeks do not begin on Monday, by CLDR, for browsers that do not say
   it themselves. */
const FROM_SUNDAY = "AG AS BD BR BS BT BW BZ CA CO DM DO ET GT GU HK HN ID IL IN JM JP KE KH KR LA MH MM MO MT MX MZ NI NP PA PE PH PK PR PT PY SA SG SV TH TT TW UM US VE VI WS YE ZA ZW";
const FROM_SATURDAY = "AE AF BH DJ DZ EG IQ IR JO KW LY OM QA SD SY";

/* The day that weeks begin with where the browser's language is spoken: 0 for
   Sunday to 6 for Saturday, as getUTCDay() has it. */
export function weekStart(language = navigator.language) {
	const locale = new Intl.Locale(language);
	const firstDay = (locale.getWeekInfo?.() ?? locale.weekInfo)?.firstDay;
	if (firstDay)
		return firstDay % 7;
	const { region } = locale.maximize();
	return FROM_SUNDAY.includes(region) ? 0 : FROM_SATURDAY.includes(region) ? 6 : 1;
}

const WEEK_MS = 6 * 86400000;
/* A time in the shortest exact form: the clock today, the day of the week within a week, else the date. */
export function shortly(time) {
	return dayOf(time) === dayOf(Date.now()) ? clock(time) : Date.now() - Date.parse(time) < WEEK_MS ? dayAndClock(time) : date(time);
}

/* The same with the hour of another day. */
export const clockOrDate = (time) => (dayOf(time) === dayOf(Date.now()) ? clock(time) : dateAndClock(time));

const steps = [["year", 31557600], ["month", 2629800], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

export function ago(time, now = Date.now()) {
	const seconds = (new Date(time).getTime() - now) / 1000;
	const [unit, size] = steps.find(([, each]) => Math.abs(seconds) >= each) ?? ["second", 1];
	return kept("ago", () => new Intl.RelativeTimeFormat(locale, { numeric: "auto" })).format(Math.trunc(seconds / size), unit);
}

export const number = (value) => numbers("number").format(value);

export const hours = (seconds) => numbers("hours", { maximumFractionDigits: 1, minimumFractionDigits: 1 }).format(seconds / 3600);

/* "18%"; "<1%" for a small part that is not zero. */
export function percent(value) {
	const part = numbers("percent", { style: "percent" });
	return value > 0 && value < 0.005 ? `<${part.format(0.01)}` : part.format(value);
}

/* "a, b, c" */
export const list = (items) => kept("list", () => new Intl.ListFormat(locale, { type: "unit", style: "short" })).format(items);

/* "40 seconds", "4 minutes", "5 hours", "3 days": in one unit, by the size */
export function roughly(seconds) {
	const [count, unit] = suited(seconds);
	return inUnit(count, unit, "long");
}

/* The same in the German dative, after "seit", "vor" and "in": "3 Tagen". */
export function roughlyDative(seconds) {
	const [count, unit] = suited(seconds);
	const parts = new Intl.RelativeTimeFormat(locale).formatToParts(-count, unit);
	return parts.slice(parts.findIndex((part) => part.type === "integer")).map((part) => part.value).join("");
}

function suited(seconds) {
	const [unit, size] = seconds < 90 ? ["second", 1] : seconds < 5400 ? ["minute", 60] : seconds < 172800 ? ["hour", 3600] : ["day", 86400];
	return [Math.round(Math.max(0, seconds) / size), unit];
}

/* "1 hr 20 min", "45 sec" */
export function span(seconds) {
	const s = Math.max(0, Math.round(seconds)), minutes = Math.floor(s / 60) % 60, whole = Math.floor(s / 3600);
	if (s < 60)
		return inUnit(s, "second", "short");
	return [whole ? inUnit(whole, "hour", "short") : null, minutes ? inUnit(minutes, "minute", "short") : null].filter(Boolean).join(" ");
}

export const millis = (value) => inUnit(value, "millisecond", "short");

const browsers = { "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser": "Samsung Internet", "Firefox": "Firefox", "FxiOS": "Firefox", "CriOS": "Chrome", "Chrome": "Chrome", "Safari": "Safari" };
const systems = { "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "CrOS": "ChromeOS", "Mac OS X": "macOS", "Linux": "Linux" };
/* [name, system] from a User-Agent; null: an unknown one. The order of the lists matters,
   because most browsers name others too. */
export function browserOf(agent) {
	const both = [browsers, systems].map((all) => Object.entries(all).find(([sign]) => agent?.includes(sign))?.[1]);
	return both.every(Boolean) ? both : null;
}

/* "1:20:05", for a running timer */
export function stopwatch(seconds) {
	const s = Math.max(0, Math.floor(seconds));
	const two = (value) => String(value).padStart(2, "0");
	return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

export function size(bytes) {
	const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
	let place = 0, value = Number(bytes);
	while (value >= 1000 && place < units.length - 1) {
		value /= 1000;
		place++;
	}
	return place ? inUnit(value, units[place], "short", { minimumFractionDigits: 1, maximumFractionDigits: 1 }) : inUnit(value, "byte", "long");
}

// ---- days and moments in the operator's zone

function partsOf(time) {
	const parts = formatter("parts", { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
	                                   hourCycle: "h23", calendar: "iso8601", numberingSystem: "latn" }).formatToParts(new Date(time));
	return Object.fromEntries(parts.map(({ type, value }) => [type, value]));
}

/* The calendar day of a moment. */
export function dayOf(time) {
	const { year, month, day: number } = partsOf(time);
	return `${year.padStart(4, "0")}-${month}-${number}`;
}

export function shiftDay(text, by) {
	const moved = new Date(`${text}T00:00:00Z`);
	moved.setUTCDate(moved.getUTCDate() + by);
	return moved.toISOString().slice(0, 10);
}

/* From RFC 3339 to the value of a field of type datetime-local, and back. */
export function toField(time) {
	const { hour, minute } = partsOf(time);
	return `${dayOf(time)}T${hour}:${minute}`;
}

export function fromField(text) {
	const wanted = Date.parse(`${text}Z`);
	let guess = wanted;
	// twice: the offset may be another one on the other side of a change
	for (let i = 0; i < 2; i++) {
		const { year, month, day: number, hour, minute } = partsOf(guess);
		guess += wanted - Date.UTC(year, month - 1, number, hour, minute);
	}
	return new Date(guess).toISOString().replace(".000Z", "Z");
}
