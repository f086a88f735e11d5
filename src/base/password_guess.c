/* SPDX-License-Identifier: ISC */
#include "base/password_guess.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/unicode.h"

enum { WORD_LEAST = 3, WALK_LEAST = 3, AGAIN_LEAST = 3, AGAIN_MOST = 64 };

/* The stems of the most used passwords, in the languages of most leaks, and words of this
   program. Longer ones are found as several stems. */
static const char *const words[] = {
	/* words for passwords, names of users */
	"password passwort passwd pass parola senha contraseña motdepasse wachtwoord haslo пароль "
	"geheim secret secreto admin "
	"administrator root user username login logon guest test tester testing demo default "
	"changeme change temp temporary "
	"welcome willkommen bienvenue hello hallo salut letmein open sesame access enter master "
	"super superuser manager owner "
	"server system oracle cisco mysql postgres postgresql database internet computer windows "
	"linux google apple hookledger "
	"toggl track webhook ledger timer salasana lösenord jelszó şifre heslo lozinka parool 密码 "
	"パスワード 비밀번호",
	/* short words that connect the others */
	"the and this that is are was not you your love with for from have all mein dein ist und "
	"ich dich liebe iloveyou loveyou "
	"lovely lover fuckyou fuck shit bitch whatever nothing forever never always please trust "
	"god jesus christ angel heaven "
	"devil satan faith blessed princess prince king queen",
	/* animals, games, sports, teams, heroes */
	"dragon monkey tiger lion panther eagle falcon shadow hunter killer wolf bear horse "
	"mustang dog doggy cat kitty snoopy "
	"butterfly bird fish shark dolphin rabbit turtle chicken spider snake puppy football "
	"baseball basketball soccer hockey "
	"tennis golf yankees cowboys lakers steelers eagles raiders arsenal chelsea liverpool "
	"barcelona madrid juventus schalke "
	"bayern ferrari porsche mercedes corvette yamaha harley superman batman spiderman starwars "
	"startrek matrix gandalf "
	"pokemon pikachu naruto minecraft fortnite nintendo playstation xbox jordan michael "
	"jackson ninja samurai pirate warrior "
	"ranger sniper trooper",
	/* names */
	"andrew anthony ashley alexander alexandra amanda andrea angela brandon charlie christian "
	"christina christopher daniel "
	"daniela david diego elizabeth emily eric florian frank gabriel george hannah heather jack "
	"jacob james jason jasmine "
	"jennifer jessica john jonathan jose joseph joshua julia justin kevin laura lisa lucas "
	"madison maria mario marina mark "
	"markus martin matthew max melissa michelle mike miguel natasha nicholas nicole oliver "
	"patrick peter rachel richard "
	"robert sabrina samantha samuel sandra sarah sebastian sophie stefan stephanie steven "
	"susanne sven thomas tobias victoria "
	"vladimir william",
	/* nature, seasons, colours, food, things */
	"summer winter spring autumn fall sommer herbst fruehling frühling sunshine sunny rainbow "
	"flower rose lily sun moon star "
	"stars fire ice water ocean river mountain thunder storm snow snowball sonne sonnenschein "
	"schatz red green blue black "
	"white yellow orange purple silver gold golden pink banana cherry pepper cheese cookie "
	"chocolate coffee pizza sugar honey "
	"peanut butter ginger money dollar million lucky winner success diamond crystal music "
	"guitar metal rock party sexy hottie "
	"freedom family friend friends work office company business house home school student "
	"teacher doctor nurse police soldier "
	"trustno correct battery staple horsebattery whatsup phoenix maverick merlin magic wizard "
	"mystery",
	/* months, days, places */
	"january february march april may june july august september october november december "
	"januar februar märz mai juni juli "
	"oktober dezember monday tuesday wednesday thursday friday saturday sunday montag dienstag "
	"mittwoch donnerstag freitag "
	"samstag sonntag london paris berlin hamburg munich muenchen münchen vienna wien zurich "
	"boston chicago dallas texas "
	"america canada germany deutschland france england russia brasil india china japan newyork "
	"california florida "
	"sanfrancisco europe",
	/* others among the first thousands of leaked passwords */
	"a1b2c3d4 aardvark action adgjmptw adidas airborne airforce airplane alabama alaska "
	"alexande alexandr alexis alpine "
	"amateur apache aragorn arizona atlanta atlantis austin avalon avatar awesome babydoll "
	"babygirl babylon babylon5 badboy "
	"badger barbie barney basket basketba beatles beauty beaver beavis bigboy bigdaddy bigfoot "
	"bigmac bigman bigone billybob "
	"biteme blaster blink182 blizzard blonde blondie bobafett bollocks bond007 bowling braves "
	"brazil britney bronco broncos "
	"brooklyn browns bruins brutus bubbles buckeye buckeyes budlight buffalo burger buster "
	"cadillac caesar camaro cameron "
	"cancer captain cardinal carolina cartman casino casper cavalier celtic champion charger "
	"cherokee chester chevelle "
	"cheyenne chiefs chipper chocolat chrissy chronic cjkysirj cocacola colorado colors "
	"consumer corona cougar cowboy coyote "
	"creative cricket cthutq dakota dancer danger darkness darkside dbrnjhbz destiny detroit "
	"dfvgbh diablo diesel digital "
	"disney dodgers domino donkey drummer eclipse einstein electric element elephant elizabet "
	"eminem empire engineer explorer "
	"express fantasy fatboy fktrcfylh fktrctq flipper flyers freaky fyfcnfcbz fylhtq galaxy "
	"galina galore gambit garden "
	"garfield gateway gators gemini genesis genius geronimo guinness hacker hamlet hamster "
	"hawkeye helpme hendrix hercules "
	"highland hiphop hitman hjvfirf holiday hotrod hunting huskers ibanez icecream impala "
	"indigo infinity insane integra "
	"italia iwantu jaguar jasper jester jupiter justme karate karina katana kawasaki klaster "
	"knicks kodiak lacrosse lancer "
	"larisa lasvegas legend lestat lifehack lizard logitech longhorn lucifer machine madman "
	"magnum maksim malibu manchester "
	"manutd marathon marine marines marino marlboro marley maryjane mercury mexico michigan "
	"mickey microsoft midnight monster "
	"montana morpheus motorola mozart nascar nastya natali nemesis newport nfnmzyf nicola "
	"nikita nirvana oicu812 oksana "
	"online outlaw overlord packard packers pakistan paladin paradise patches patriots peaches "
	"pearljam pebbles peekaboo "
	"pegasus pencil penguin phantom philips picard pickle piglet pioneer pitbull platinum "
	"player polaris polina popcorn "
	"popeye precious predator prelude presario private psycho pumpkin pyramid racecar racing "
	"raptor reaper redskins redwings "
	"renegade rolltide ronaldo rooster rush2112 ruslan sailor sakura samson saturn scarface "
	"scooter scorpio scorpion scotland "
	"seattle security semperfi serega serenity sergey shelby sherlock shotgun siemens simple "
	"simpsons skater skeeter skipper "
	"skyline slayer slipknot smiley smokey snickers softball software soso123aljg spanky "
	"sparky spartak spartan spirit squirt "
	"srinivas stalker stealth stephani stinger stingray strike subaru sublime sundance surfer "
	"suzuki svetlana sweetpea "
	"swimming swinger swordfis swordfish sydney target tarheels taurus techno thailand "
	"thuglife thumper tickle timber tinker "
	"topgun tornado toronto toshiba toyota transam travel trfnthbyf trigger trinity triumph "
	"trouble trucker trucks trumpet "
	"turkey ultimate unicorn valentin valentina vampire vegeta veronika vfhbyf victory viktor "
	"virgin vision voyager warcraft "
	"weasel westside wicked wildcats wolverin wolves wombat wrangler wutang xavier xfiles "
	"yfnfif zeppelin zombie",
	/* the longest of them, some of them Russian words typed on a Latin keyboard */
	"12qw34er56ty 23176djivanfros 32615948worms 41d8cd98f00b 4815162342lost amadeusptfcor "
	"an83546921an13 antananarivu "
	"avrillavigne bltynbabrfwbz boy4u2ownnyc bpgjldsgjldthnf cjdthitycndj combat123654 "
	"contortionist corperfmonsy "
	"counterstrike digitalprodu dkflbvbhjdbx dkflbvbhjdyf domainlock2005 finalfantasy "
	"fkmnthyfnbdf fktrcfylhjdbx fktrcfylhjdf "
	"fktrcfylhjdyf flvbybcnhfnjh frederiksberg fynfyfyfhbde ghbdtnrfrltkf ghjcnjgbpltw "
	"ghjcnjgfhjkm ghjcnjqgfhjkm "
	"ghjcnjrdfibyj ghjnbdjcnjzybt gjkysqgbpltw greenlantern gtnhjpfdjlcr hd764nw5d7e1vb1 "
	"hedimaptfcor iampurehaha2 "
	"installdevic installsqlst iseedeadpeople leavemealone lhbjkjubz2957704 lost4815162342 "
	"lytghjgtnhjdcr mailcreated5240 "
	"maprchem56458 maurolarastefy mevefalkcakk minnesota_hp momsanaladventure morganstanley "
	"mortalkombat msorcloledbr "
	"nemvxyheqdd5oqxyxyzi networkingpe newproject2004 nhecsyfujkjdt nhfdvfnjkju123 "
	"nhfycajhvths nightcrawler nondriversig "
	"olcrackmaster ontheoutside p030710p$e4o paraklast1974 polniypizdec0211 polniypizdec110211 "
	"ptybnxtvgbjy punksnotdead "
	"qawsedrftgyh residentevil rfnthbyf1988 saun24865709 seemnemaailm sojdlg123aljg "
	"sonyericsson specialinsta stickdaddy77 "
	"stratocaster systemofadown thecakeisalie vanyarespekt vfvfvskfhfve warhammer40k "
	"wazzkaprivet websolutions websolutionssu "
	"webuivalidat weihnachtsbau weihnachtsbaum whosyourdaddy zcfvfzkexifz zqjphsyf6ctifgu",
};

static const char *const walks[] = {
	"qwertyuiop",
	"qwertzuiop",
	"azertyuiop",
	"asdfghjkl",
	"qsdfghjklm",
	"zxcvbnm",
	"yxcvbnm",
	"wxcvbn",
	"1234567890",
	"йцукенгшщзхъ",
	"фывапролджэ",
	"ячсмитьбю",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
	"zaq1xsw2cde3vfr4bgt5nhy6mju7",
	"qazwsxedcrfvtgbyhnujmikolp",
	"1q2w3e4r5t6y7u8i9o0p",
	"q1w2e3r4t5y6u7i8o9p0",
	"1a2s3d4f5g6h7j8k9l",
	"a1s2d3f4g5h6j7k8l9",
	"z1x2c3v4b5n6m7",
	"qwaszxerdfcvtyghbnuijkm",
	"741852963",
	"147258369",
	"159753",
	"159357",
};

/* Digits and signs that are typed for letters; two of them for either of two letters. */
static bool stands_for(uint32_t sign, uint32_t letter)
{
	static const struct {
		char sign, letters[3];
	} all[] = {
		{ '0', "o" }, { '1', "il" }, { '!', "il" }, { '|', "il" },
		{ '2', "z" }, { '3', "e" },  { '4', "a" },  { '@', "a" },
		{ '5', "s" }, { '$', "s" },  { '6', "b" },  { '7', "t" },
		{ '+', "t" }, { '8', "b" },  { '9', "g" },  { '(', "c" },
	};

	if (sign == letter)
		return true;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (sign == (unsigned char)all[i].sign &&
		    (letter == (unsigned char)all[i].letters[0] ||
		     letter == (unsigned char)all[i].letters[1]))
			return letter != 0;
	return false;
}

/* A text that is divided into pieces, and the words to look for. */
struct text {
	uint32_t *at;
	size_t count;
};

static bool is_word_at(struct text text, size_t from, struct text word)
{
	bool is_forward = true, is_backward = true;

	if (word.count < WORD_LEAST || from + word.count > text.count)
		return false;
	for (size_t i = 0; i < word.count && (is_forward || is_backward); i++) {
		is_forward = is_forward && stands_for(text.at[from + i], word.at[i]);
		is_backward = is_backward &&
			      stands_for(text.at[from + i], word.at[word.count - 1 - i]);
	}
	return is_forward || is_backward;
}

/* The longest run over neighbouring keys that begins there, forward or back. */
static size_t walk_at(struct text text, size_t from, struct text walk)
{
	size_t longest = 0;

	for (size_t start = 0; start < walk.count; start++) {
		size_t forward = 0, back = 0;

		while (from + forward < text.count && start + forward < walk.count &&
		       text.at[from + forward] == walk.at[start + forward])
			forward++;
		while (from + back < text.count && back <= start &&
		       text.at[from + back] == walk.at[start - back])
			back++;
		longest = forward > longest ? forward : longest;
		longest = back > longest ? back : longest;
	}
	return longest < WALK_LEAST ? 0 : longest;
}

/* aaaa, abcd, 4321, 112233: from each character to the next it is the same step, or the same
   character again. */
static size_t sequence_at(struct text text, size_t from, int64_t step)
{
	size_t len = 1;

	for (; from + len < text.count; len++) {
		int64_t taken = (int64_t)text.at[from + len] - (int64_t)text.at[from + len - 1];

		if (taken != step && taken != 0)
			break;
	}
	return len < (step ? WALK_LEAST : 2) ? 0 : len;
}

static bool is_digit(uint32_t c)
{
	return c >= '0' && c <= '9';
}

static size_t digits_at(struct text text, size_t from)
{
	size_t len = 0;

	while (len < 4 && from + len < text.count && is_digit(text.at[from + len]))
		len++;
	if (len == 4 && ((text.at[from] == '1' && text.at[from + 1] == '9') ||
			 (text.at[from] == '2' && text.at[from + 1] == '0')))
		return 4;
	return len >= 2 ? 2 : 0;
}

/* ---- the fewest pieces: the shortest path from the first character to the last */

struct search {
	struct text text;
	size_t *cost; /* fewest pieces of everything before a character */
};

static void reach(struct search *search, size_t from, size_t len, size_t price)
{
	if (len && search->cost[from] + price < search->cost[from + len])
		search->cost[from + len] = search->cost[from] + price;
}

static void reach_words(struct search *search, size_t from, struct text all)
{
	size_t start = 0;

	for (size_t i = 0; i <= all.count; i++) {
		struct text word = { all.at + start, i - start };

		if (i < all.count && all.at[i] != ' ')
			continue;
		if (is_word_at(search->text, from, word))
			reach(search, from, word.count, 1);
		start = i + 1;
	}
}

static void reach_repeats(struct search *search, size_t from)
{
	const uint32_t *at = search->text.at;

	for (size_t len = 1; len <= from && from + len <= search->text.count; len++)
		if (memcmp(at + from, at + from - len, len * sizeof(*at)) == 0)
			reach(search, from, len, 0);
}

/* A part that repeats an earlier one, also with something between: paul-paul-paul. */
static void reach_again(struct search *search, size_t from)
{
	const uint32_t *at = search->text.at;

	for (size_t earlier = 0; earlier < from; earlier++) {
		size_t len = 0;

		while (len < AGAIN_MOST && from + len < search->text.count &&
		       at[earlier + len] == at[from + len])
			len++;
		if (len >= AGAIN_LEAST)
			reach(search, from, len, 1);
	}
}

enum { WORDS = sizeof(words) / sizeof(words[0]), WALKS = sizeof(walks) / sizeof(walks[0]) };

static size_t fewest(struct text text, const struct text *known, struct text owner,
		     const struct text *paths)
{
	struct search search = { .text = text, .cost = mem_zero(text.count + 1, sizeof(size_t)) };
	size_t pieces;

	for (size_t i = 1; i <= text.count; i++)
		search.cost[i] = SIZE_MAX / 2;
	for (size_t i = 0; i < text.count; i++) {
		reach(&search, i, 1, 1);
		for (size_t k = 0; k < WORDS; k++)
			reach_words(&search, i, known[k]);
		reach_words(&search, i, owner);
		for (size_t k = 0; k < WALKS; k++)
			reach(&search, i, walk_at(text, i, paths[k]), 1);
		for (int64_t step = -1; step <= 1; step++)
			reach(&search, i, sequence_at(text, i, step), 1);
		reach(&search, i, digits_at(text, i), 1);
		reach_repeats(&search, i);
		reach_again(&search, i);
	}
	pieces = search.cost[text.count];
	free(search.cost);
	return pieces;
}

static struct text folded(struct str bytes)
{
	struct text text = { 0 };

	text.at = unicode_folded(bytes, &text.count);
	if (!text.at)
		text.count = 0;
	return text;
}

static void forget(struct text text)
{
	if (text.at)
		mem_wipe(text.at, text.count * sizeof(*text.at));
	free(text.at);
}

size_t password_guess_pieces(struct str password, struct str owner)
{
	struct text text = folded(password), name = folded(owner), known[WORDS], paths[WALKS];
	size_t pieces;

	/* ada.lovelace@example.org has four words */
	for (size_t i = 0; i < name.count; i++)
		if (name.at[i] < 128 && strchr(".,-_@+'", (int)name.at[i]))
			name.at[i] = ' ';
	for (size_t i = 0; i < WORDS; i++)
		known[i] = folded(str_of(words[i]));
	for (size_t i = 0; i < WALKS; i++)
		paths[i] = folded(str_of(walks[i]));
	pieces = fewest(text, known, name, paths);
	for (size_t i = 0; i < WALKS; i++)
		forget(paths[i]);
	for (size_t i = 0; i < WORDS; i++)
		forget(known[i]);
	forget(name);
	forget(text);
	return pieces;
}
