-- The admin page: what is shown of addresses that let in whoever knows them, and
-- which names operators may have.
begin;
create extension if not exists pgtap;
select plan(58);

-- ---- addresses

select is(ledger.url_shown(of_url), shown, coalesce(of_url, 'null')) from (values
  ('https://hooks.slack.com/services/T0/B0/secret', 'https://hooks.slack.com/…'),
  ('https://chat.example.org:8443/hooks/secret?key=secret#secret', 'https://chat.example.org:8443/…'),
  ('https://user:secret@example.org/', 'https://example.org'),
  ('https://user:se@cret@example.org/in', 'https://example.org/…'),
  ('https://example.org', 'https://example.org'),
  ('https://example.org?key=secret', 'https://example.org/…'),
  ('https://example.org#secret', 'https://example.org/…'),
  ('https://example.org\@secret', 'https://example.org/…'),
  ('HTTPS://[2001:db8::1]:80/secret', 'HTTPS://[2001:db8::1]:80/…'),
  ('secret', '…'),
  ('', '…'),
  (null, null)) v (of_url, shown);

-- ---- names

create function pg_temp.add(called text) returns text language plpgsql as $$
begin
  return (ledger.operator_make(called, 'viewer', 'UTC', 'x')).name;
exception when sqlstate '22023' or unique_violation then
  return sqlstate;
end $$;

select is(pg_temp.add(given), kept, given) from (values
  ('Olga', 'Olga'), (E'  Otto\u00a0 von\u3000Berg ', 'Otto von Berg'), (E'\uff36\uff45\uff52\uff41', 'Vera'),
  (E'Zoe\u0308', 'Zoë'), ('Ирина', 'Ирина'), ('Ελένη', 'Ελένη'), ('李小龙', '李小龙'), ('山田 Taro', '山田 Taro'), ('ada@example.org', 'ada@example.org'),
  ('Ali', 'Ali'), ('Coco', 'Coco'), ('OIes', 'OIes'), ('محمد', 'محمد'), ('O''Neil-Smith', 'O''Neil-Smith')) v (given, kept);
select is(pg_temp.add(given), '23505', format('taken already: %s', given)) from (values
  ('Olga'), ('OLGA'), (' olga '), (E'Olga\u2003'), (E'\uff2flga'), ('0lga'), ('O1ga'), ('0LGA'), (E'Zo\u00eb'), ('Сосо'), ('AIi'), ('ОІеѕ')) v (given);
select is(pg_temp.add(given), '22023', format('no name: %s', given)) from (values
  (E'Ol\u200bga'), (E'\u202eaglO'), (E'Olga\u200e'), (E'\ufeffOlga'), (E'Ol\u00adga'), (E'Ol\tga\u0007'), (E'\u2066Olga\u2069'), (E'\u3164'), (E'Olga\u2060'),
  (E'Olga\U000e0041'), (E'Olga\ufe0f'), (E'\u041elga'), (E'Olg\u03b1'), (E'\u13aalga'), (''), ('   '), (E'\u00a0'), (repeat('x', 101)), (E'a\u2028b'), (E'a\tb')) v (given);

select * from finish();
rollback;
