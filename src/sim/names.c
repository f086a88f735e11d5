/* SPDX-License-Identifier: ISC */
#include "sim/names.h"

#define COUNT(list) ((int64_t)(sizeof(list) / sizeof((list)[0])))

/* Of 73 characters at most: below the 3000 that Toggl takes. */
enum { LONG_SENTENCES_MAX = 40 };

enum form {
	EMPTY = 0,
	PERSON,
	CLIENT,
	CLIENT_AND,
	PROJECT,
	PROJECT_YEAR,
	TAG,
	TASK,
	WORK,
	WORK_TICKET,
	WORK_CALL,
	WORK_EMOJI,
	WORK_ABROAD,
	WORK_ODD,
	WORK_LONG,
};

static const char *const first_names[] = {
	"Anna",	  "Björn", "Chloé",  "Daniel", "Emre",	"Fatima", "Georg",
	"Hana",	  "Iñaki", "Jürgen", "Karin",  "Liam",	"Márta",  "Noor",
	"Oksana", "Priya", "Rafał",  "Søren",  "Tiina", "Zoë",
};

static const char *const last_names[] = {
	"Andersson", "Braun", "Çelik",	  "Dvořák",  "Eriksen", "Fernández", "Großmann", "Horváth",
	"Ivanova",   "Jõgi",  "Kowalski", "Lefèvre", "Müller",	"Nakamura",  "O'Brien",	 "Pärn",
};

static const char *const firms[] = {
	"Größe",   "Northwind",	  "Atelier Lumière", "Meier",	  "Łódź Software", "Kadaka",
	"青い森",  "Blue Harbor", "Fjord & Fell",    "Константа", "Panadería Sol", "O'Neill",
	"Øresund", "Zeta",	  "Hexagon",	     "Weiß",
};

static const char *const kinds[] = {
	"GmbH", "Ltd.", "<GmbH>", "S.A.", "OÜ", "AB", "Inc.", "& Söhne", "\"Studio\"", "Sp. z o.o.",
};

static const char *const efforts[] = {
	"Website relaunch",
	"Mobile app",
	"Support",
	"Onboarding",
	"Data migration",
	"Rebranding",
	"Monatsabschluss",
	"API v2",
	"Hiring",
	"Kundenportal",
	"R&D",
	"Audit",
	"Workshop",
	"Shop",
	"Newsletter",
	"Intern",
	"Réunion",
	"Infrastructure",
	"Accessibility",
	"Docs",
};

static const char *const tags[] = {
	"billable",    "deep work", "meeting",	"travel",   "réunion", "überstunden", "urgent",
	"home office", "review",    "bug",	"☕ pause",  "phone",   "on-site",     "quick fix",
	"R&D",	       "\"maybe\"", "planning", "write-up", "学习",    "overtime",
};

static const char *const task_names[] = {
	"Design",
	"Concept",
	"Implementation",
	"Testing",
	"Review",
	"Rollout",
	"Project management",
	"Training",
	"Abnahme",
	"Wireframes",
	"Copy",
	"QA / bugs",
};

static const char *const deeds[] = {
	"Write",   "Review",   "Fix",	   "Discuss", "Plan",	  "Refactor", "Test",  "Deploy",
	"Prepare", "Estimate", "Document", "Debug",   "Clean up", "Sketch",   "Check", "Translate",
};

static const char *const things[] = {
	"the spec",	 "checkout form",    "login page",	 "invoice template",
	"release notes", "import of orders", "nightly backup",	 "search index",
	"budget",	 "quarterly report", "error handling",	 "user interviews",
	"style guide",	 "landing page",     "payment provider", "time zone bug",
	"CSV export",	 "email texts",	     "slides",		 "contract",
};

static const char *const emojis[] = {
	"🚀", "⏱", "☕", "🐛", "👩‍💻", "✅", "🇪🇪", "🤷🏽", "📞", "🔥",
};

static const char *const abroad[] = {
	"Écrire la spec ⏱ \"v2\"",
	"Überarbeitung der Größentabelle",
	"Réponse au client « Ça marche ? »",
	"会議の準備",
	"Подготовка отчёта за квартал",
	"Revisión del diseño – año nuevo",
	"תיקון טופס ההרשמה",
	"مراجعة العقد",
	"Nõupidamine õhtul",
	"회의록 작성",
};

/* Texts that break programs which put JSON, HTML or SQL together by hand. */
static const char *const odd[] = {
	"C:\\Users\\anna\\new folder",
	"if (a < b && c > d) \"quoted\"",
	"<b>not bold</b> & <script>alert(1)</script>",
	"It's 5 o'clock; DROP TABLE time_entry; --",
	"tab\there\tand there",
	"100 % — “smart quotes” …",
	" leading and trailing ",
	"e\xcc\x81 is not é",
	"{\"json\": [1, null]}",
	"%s %d %n ${HOME} $1",
};

static const char *const sentences[] = {
	"Went through the open points with the team and wrote down who does what. ",
	"The customer wants the \"old\" colours back, so we compared both on a phone. ",
	"Die Zahlen vom letzten Monat stimmen nun überein. ",
	"Still waiting for the certificate; asked again. ",
	"Next: measure again, then decide. ",
};

static struct phrase phrase(struct prng *prng, enum form form, int64_t a, int64_t b)
{
	struct phrase p = { .form = (uint8_t)form };

	/* one by one: C leaves the order inside an initialiser open */
	p.a = (uint8_t)prng_below(prng, a);
	p.b = (uint8_t)prng_below(prng, b);
	p.number = (uint16_t)prng_between(prng, 1, 4999);
	return p;
}

struct phrase names_person(struct prng *prng)
{
	return phrase(prng, PERSON, COUNT(first_names), COUNT(last_names));
}

struct phrase names_client(struct prng *prng)
{
	if (prng_chance(prng, 20))
		return phrase(prng, CLIENT_AND, COUNT(firms), COUNT(last_names));
	return phrase(prng, CLIENT, COUNT(firms), COUNT(kinds));
}

struct phrase names_project(struct prng *prng)
{
	if (prng_chance(prng, 40))
		return phrase(prng, PROJECT_YEAR, COUNT(efforts), COUNT(firms));
	return phrase(prng, PROJECT, COUNT(efforts), COUNT(firms));
}

struct phrase names_tag(struct prng *prng)
{
	return phrase(prng, TAG, COUNT(tags), 1);
}

struct phrase names_task(struct prng *prng)
{
	return phrase(prng, TASK, COUNT(task_names), COUNT(things));
}

struct phrase names_work(struct prng *prng)
{
	int64_t roll = prng_below(prng, 100);

	if (roll < 6)
		return (struct phrase){ 0 };
	if (roll < 50)
		return phrase(prng, WORK, COUNT(deeds), COUNT(things));
	if (roll < 70)
		return phrase(prng, WORK_TICKET, COUNT(deeds), COUNT(things));
	if (roll < 80)
		return phrase(prng, WORK_CALL, COUNT(first_names), COUNT(things));
	if (roll < 87)
		return phrase(prng, WORK_EMOJI, COUNT(things), COUNT(emojis));
	if (roll < 94)
		return phrase(prng, WORK_ABROAD, COUNT(abroad), 1);
	if (roll < 98)
		return phrase(prng, WORK_ODD, COUNT(odd), 1);
	return phrase(prng, WORK_LONG, LONG_SENTENCES_MAX, COUNT(sentences));
}

static void add_number(struct buf *out, unsigned number)
{
	char digits[8];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	buf_add(out, digits + at, sizeof(digits) - at);
}

static void add_long(struct buf *out, struct phrase p)
{
	for (unsigned i = 0; i <= p.a; i++)
		buf_add_text(out, sentences[(p.b + i) % COUNT(sentences)]);
}

static void add_two(struct buf *out, const char *first, const char *between, const char *second)
{
	buf_add_text(out, first);
	buf_add_text(out, between);
	buf_add_text(out, second);
}

void names_write(struct buf *out, struct phrase p)
{
	switch ((enum form)p.form) {
	case EMPTY:
		break;
	case PERSON:
		add_two(out, first_names[p.a], " ", last_names[p.b]);
		break;
	case CLIENT:
		add_two(out, firms[p.a], " ", kinds[p.b]);
		break;
	case CLIENT_AND:
		add_two(out, firms[p.a], " & ", last_names[p.b]);
		break;
	case PROJECT:
		add_two(out, efforts[p.a], " – ", firms[p.b]);
		break;
	case PROJECT_YEAR:
		buf_add_text(out, efforts[p.a]);
		buf_add_text(out, " #");
		add_number(out, p.number);
		break;
	case TAG:
		buf_add_text(out, tags[p.a]);
		break;
	case TASK:
		add_two(out, task_names[p.a], ": ", things[p.b]);
		break;
	case WORK:
		add_two(out, deeds[p.a], " ", things[p.b]);
		break;
	case WORK_TICKET:
		buf_add_text(out, "HL-");
		add_number(out, p.number);
		buf_add_char(out, ' ');
		add_two(out, deeds[p.a], " ", things[p.b]);
		break;
	case WORK_CALL:
		add_two(out, "Call with \"", first_names[p.a], "\" re: ");
		buf_add_text(out, things[p.b]);
		break;
	case WORK_EMOJI:
		add_two(out, things[p.a], " ", emojis[p.b]);
		break;
	case WORK_ABROAD:
		buf_add_text(out, abroad[p.a]);
		break;
	case WORK_ODD:
		buf_add_text(out, odd[p.a]);
		break;
	case WORK_LONG:
		add_long(out, p);
		break;
	}
}
