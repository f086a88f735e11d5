-- Search in events and names: the types of the event list, and the functions and indexes of full
-- text search. The indexes depend on the functions, so the functions are state too, and not
-- replaced by every migrate. Queries that use them are in sql/functions/admin/event_search.sql.

create type ledger.event_ref as (epoch integer, txid xid8, seq bigint, workspace_id bigint, event_id bigint,
                                 created_at timestamptz);
comment on type ledger.event_ref is 'A reference to an event: its cursor and its key.';

create type ledger.event_filter as (workspace bigint, model text, action text, creator bigint, entity bigint,
                                    since timestamptz, until timestamptz, words tsquery);
comment on type ledger.event_filter is 'The filters of a list of events; null lets all pass.';

-- How a text becomes the words by which it is found.

create function toggl.search_dense()
returns text
language sql immutable parallel safe
return '\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecf\u1000-\u103f\u1050-\u109f\u1100-\u11ff\u1780-\u17d7\u2e80-\u2fdf'
       '\u3005-\u3007\u3041-\u309f'
       '\u30a1-\u30fa\u30fc-\u312f\u3130-\u318f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f'
       '\uac00-\ud7fb\uf900-\ufaff\U00020000-\U0003ffff';
comment on function toggl.search_dense() is
  'Characters of the scripts that are written without blanks, or without blanks within what is made of words, as a '
  'class of a regular expression: Thai, Lao, Burmese, Khmer, Chinese, Japanese, Korean. Example: select name from '
  'toggl.project where name ~ (''['' || toggl.search_dense() || '']'') union all select toggl.search_dense();';

create function toggl.search_fold(given text, is_query boolean default false)
returns text
language plpgsql immutable strict parallel safe set search_path = ledger, pg_temp
as $$
declare
  folded text := lower(translate(normalize(given, nfkc), E'İı\x01', 'ii '));
  runs text[];
  pairs text;
  last text;
  one text;
  code text;
begin
  folded := translate(replace(folded, 'ß', 'ss'), U&'\03C2\00AD', U&'\03C3');
  -- Vowel points of Hebrew and Arabic, and invisible characters.
  folded := regexp_replace(folded,
                           '[\u0591-\u05bd\u05bf\u05c1-\u05c2\u05c4-\u05c5\u05c7\u0640\u064b-\u065f\u0670\u200b-\u200f'
                           '\u202a-\u202e\u2060-\u2069\ufeff\ufe00-\ufe0f]', '', 'g');
  -- Some locales take these for letters.
  folded := regexp_replace(folded, '[\u2000-\u206f\u3000-\u3004\u3008-\u3020\u3030\u303d-\u303f\u30a0\u30fb]', ' ',
                           'g');
  if is_query or folded !~ ('[' || toggl.search_dense() || ']') then
    return folded;
  end if;
  -- A run of a dense script becomes its pairs of characters, and the last character alone. They are
  -- written as numbers, because locales differ in what is a word in these scripts. A loop takes a
  -- third of the time that a query takes.
  folded := regexp_replace(folded, '([' || toggl.search_dense() || ']+)', E'\x01\\1\x01', 'g');
  runs := string_to_array(folded, E'\x01');
  for n in 2..cardinality(runs) by 2 loop
    pairs := '';
    last := '';
    foreach one in array string_to_array(runs[n], null) loop
      code := lpad(to_hex(ascii(one)), 5, '0');
      pairs := pairs || last || code || ' z';
      last := code;
    end loop;
    runs[n] := ' z' || substr(pairs, 8) || last || ' ';
  end loop;
  return array_to_string(runs, '');
end
$$;
comment on function toggl.search_fold(text, boolean) is
  'A text as it is compared in a search: the same whether its letters are composed or not, of full or half width, '
  'upper or lower case (STRASSE and Straße). Unless is_query, a run of a script without blanks is replaced by its '
  'pairs of characters. Example: select toggl.search_fold(description) from toggl.time_entries;';

-- Most texts need no folding: ASCII, and precomposed Latin letters whose lower case is one letter.
-- The dictionary handles those.
create function toggl.search_vector(given text)
returns tsvector
language sql immutable parallel safe
return to_tsvector('simple', case when octet_length(given) = length(given) then lower(left(given, 4000) collate "C")
                                  when given !~ '[^\u0001-\u00a7\u00a9\u00ab\u00ac\u00ae\u00b0\u00b1\u00b6\u00b7\u00bb'
                                                '\u00bf-\u012f\u0134-\u013e\u0141-\u0148\u014a-\u017e\u2010-\u2015'
                                                '\u2018-\u201f\u2022\u2026\u20ac]'
                                  then replace(left(given, 4000), 'ß', 'ss')
                                  else toggl.search_fold(left(given, 4000)) end);
comment on function toggl.search_vector(text) is
  'The words of a description (of its first 4,000 characters), which are indexed. Example: select start_at, '
  'description from toggl.time_entry where toggl.search_vector(description) @@ toggl.search_query(''sketch'');';

create function toggl.search_name(given text)
returns tsvector
language plpgsql immutable strict parallel safe set search_path = ledger, pg_temp
as $$
declare
  bare text;
begin
  if octet_length(given) = length(given) then
    return toggl.search_vector(given);
  end if;
  bare := translate(regexp_replace(normalize(left(given, 4000), nfkd), '[\u0300-\u036f]', '', 'g'), 'øØłŁđĐðÐħĦŧŦ',
                    'oOlLdDdDhHtT');
  bare := replace(replace(replace(replace(replace(bare, 'æ', 'ae'), 'Æ', 'AE'), 'œ', 'oe'), 'Œ', 'OE'), 'þ', 'th');
  return toggl.search_vector(given) || toggl.search_vector(normalize(bare, nfc));
end
$$;
comment on function toggl.search_name(text) is
  'The words of a name, which are indexed: as they are, and without the marks of their letters (Chloé is found as '
  'Chloe; descriptions are not, because recording them would take longer). Example: select name from toggl.project '
  'where toggl.search_name(name) @@ toggl.search_query(''web'');';

create function toggl.search_query(given text)
returns tsquery
language plpgsql immutable strict parallel safe set search_path = ledger, pg_temp
as $$
declare
  piece record;
  part tsquery;
  wanted tsquery;
begin
  for piece in
    select p.run[1] as run, p.run[1] ~ ('^[' || toggl.search_dense() || ']') as is_dense, p.place, count(*)
      over () as last
    from regexp_matches(toggl.search_fold(given, true), '[' || toggl.search_dense() || ']+|[^' || toggl.search_dense()
                        || ']+', 'g') with ordinality p (run, place)
    order by p.place
  loop
    if not piece.is_dense then
      part := plainto_tsquery('simple', piece.run);
      -- the last word may be incomplete: people search while they type
      if piece.place = piece.last and numnode(part) > 0 then
        part := (part::text || ':*')::tsquery;
      end if;
    elsif length(piece.run) = 1 then
      part := ('z' || lpad(to_hex(ascii(piece.run)), 5, '0') || ':*')::tsquery;
    else
      part := (
        select string_agg('z' || lpad(to_hex(ascii(c.this)), 5, '0') || lpad(to_hex(ascii(c.next)), 5, '0'), ' <-> '
                          order by c.place)::tsquery
        from (select u.this, u.place, lead(u.this) over (order by u.place) as next
              from unnest(string_to_array(piece.run, null)) with ordinality u (this, place)) c
        where c.next is not null);
    end if;
    if numnode(part) > 0 then
      wanted := case when wanted is null then part else wanted && part end;
    end if;
  end loop;
  return wanted;
end
$$;
comment on function toggl.search_query(text) is
  'Turns typed text into a query for toggl.search_vector(). It finds texts with all the words; the last word may be '
  'the beginning of a word, and runs of a script without blanks match anywhere. Null: the text has no word. Example: '
  'select start_at, description from toggl.time_entry where toggl.search_vector(description) @@ '
  'toggl.search_query(''sketches pag'');';

-- Indexes of the search. There are many time entries, and few rows in the other tables.
create index time_entry_words on toggl.time_entry using gin (toggl.search_vector(description));
create index project_words on toggl.project using gin (toggl.search_name(name));
create index client_words on toggl.client using gin (toggl.search_name(name));
create index tag_words on toggl.tag using gin (toggl.search_name(name));
create index task_words on toggl.task using gin (toggl.search_name(name));
create index workspace_user_words on toggl.workspace_user using gin (toggl.search_name(name));
