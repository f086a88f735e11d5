-- Operators of the admin page: their rules, and the functions of the command line for them.

create function ledger.operator_named(who ledger.operator)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
return ledger.coded('subject.operator', jsonb_build_object('operator_id', who.operator_id, 'name', who.name));
comment on function ledger.operator_named(ledger.operator) is 'How the audit trail names an operator.';

create function ledger.operator_json(who ledger.operator)
returns jsonb
language sql immutable set search_path = ledger, pg_temp
as $$ select jsonb_strip_nulls(jsonb_build_object('name', who.name, 'role', who.role, 'zone', who.time_zone, 'language',
                                                  who.language, 'enabled', who.enabled)) $$;
comment on function ledger.operator_json(ledger.operator) is 'An operator in an entry of the audit trail.';

create function ledger.name_of(given text)
returns text
language sql immutable set search_path = ledger, pg_temp
return btrim(regexp_replace(normalize(given, NFKC), ' +', ' ', 'g'));
comment on function ledger.name_of(text) is
  'A name in the form in which it is stored and looked up: NFKC, so that names that look the same are equal; single '
  'spaces, none at the ends.';

create function ledger.name_skeleton(called text)
returns text
language sql immutable set search_path = ledger, pg_temp
return lower(translate(lower(translate(regexp_replace(normalize(called, NFKD),
                                       '[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]', '', 'g'),
                          'I1|ІӀΙ0', 'llllllO')),
  -- Cyrillic, Greek, Armenian and Latin letters that look like one of ASCII, without their marks
  'абвгеёзикмнорстухчіїјѕһԁԛԝѵӏґє' || 'αβγεηικνορτυχωϲϳ' || 'ոօսցհ' || 'ıȷɑɡɩʟᴏ'
  || 'ɾɪʏɴʜʙɢʀᴀᴄᴅᴇᴊᴋᴍᴘᴛᴜᴠᴡᴢꜱɐɓɗɖɦɱɲʋøłđħŧɨʉɵ',
  'a6bree3ukmhopctyx4iijshdqwvlre' || 'abyenikvoptuxwcj' || 'nough' || 'ijagilo'
  || 'rlynhbgracdejkmptuvwzsabddhmnvoldhtiuo'));
comment on function ledger.name_skeleton(text) is
  'The same text for names that people confuse. The idea is from UTS 39; the table has the letters of personal names '
  'that look alike.';

create function ledger.name_check(called text)
returns void
language plpgsql immutable set search_path = ledger, pg_temp
as $$
begin
  if called is null or length(called) not between 1 and 100 or called <> btrim(called) then
    perform ledger.refuse('operator.name_length');
  end if;
  -- Control characters, invisible ones, those that change the direction of a text, and private or special ones.
  if called ~ ('[\u0001-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u200b-\u200f'
               '\u2028-\u202f\u205f-\u206f'
               || '\u2800\u3164\ud800-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U0010ffff]') then
    perform ledger.refuse('name.invisible');
  end if;
  if (called ~ '[A-Za-z\u00c0-\u024f\u0250-\u02af\u1e00-\u1eff]')::integer +
    (called ~ '[\u0370-\u03ff\u1f00-\u1fff]')::integer
     + (called ~ '[\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f]')::integer +
       (called ~ '[\u0530-\u058f]')::integer
     + (called ~ '[\u13a0-\u13ff\uab70-\uabbf]')::integer + (called ~ '[\u2c80-\u2cff]')::integer > 1 then
    perform ledger.refuse('operator.name_mixed');
  end if;
end
$$;
comment on function ledger.name_check(text) is
  '22023: the name, in the form of name_of(), could be confused with another, or is no name.';

create function ledger.operator_check(who ledger.operator)
returns void
language plpgsql set search_path = ledger, pg_temp
as $$
begin
  perform ledger.zone_check(who.time_zone);
  if who.role is null or who.role not in ('owner', 'viewer') then
    perform ledger.refuse('operator.role_unknown');
  end if;
  perform ledger.name_check(who.name);
end
$$;
comment on function ledger.operator_check(ledger.operator) is '22023: the values of an operator are not valid.';

create function ledger.operator_make(called text, of_role text, zone text, kept text)
returns ledger.operator
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator;
begin
  who.name := ledger.name_of(called);
  who.role := of_role;
  who.time_zone := coalesce(zone, 'UTC');
  perform ledger.operator_check(who);
  -- One after the other, because otherwise two sessions could create similar names at the same
  -- time.
  lock table ledger.operator in share row exclusive mode;
  if exists (select from ledger.operator o where ledger.name_skeleton(o.name) = ledger.name_skeleton(who.name)
             and lower(o.name) <> lower(who.name)) then
    perform ledger.refuse('operator.name_alike', jsonb_build_object('name', who.name), '23505');
  end if;
  insert into ledger.operator (name, role, time_zone, password) values (who.name, who.role, who.time_zone, kept)
  returning * into who;
  return who;
exception
  when unique_violation then
    perform ledger.refuse('operator.exists', jsonb_build_object('name', ledger.name_of(called)), '23505');
end
$$;
comment on function ledger.operator_make(text, text, text, text) is
  'Makes an operator; kept: the stored form of the password (base/password). 22023: a value is not valid. 23505: the '
  'name exists, or looks like another.';

create function ledger.operator_change(id bigint, new_role text, new_zone text, enable boolean, kept text)
returns ledger.operator
language plpgsql set search_path = ledger, pg_temp
as $$
declare
  who ledger.operator;
begin
  -- One after the other, because otherwise two owners could remove each other's role at the same
  -- time.
  lock table ledger.operator in share row exclusive mode;
  select o.* into who from ledger.operator o where o.operator_id = id;
  if not found then
    perform ledger.refuse('operator.unknown', jsonb_build_object('operator_id', id), 'P0002');
  end if;
  who.role := coalesce(new_role, who.role);
  who.time_zone := coalesce(new_zone, who.time_zone);
  who.enabled := coalesce(enable, who.enabled);
  perform ledger.operator_check(who);
  if (who.role <> 'owner' or not who.enabled)
     and not exists (select from ledger.operator o where o.role = 'owner' and o.enabled and o.operator_id <> id)
     and exists (select from ledger.operator o where o.role = 'owner' and o.enabled and o.operator_id = id) then
    perform ledger.refuse('operator.last_owner', jsonb_build_object('name', who.name));
  end if;
  update ledger.operator o
  set role = who.role, time_zone = who.time_zone, enabled = who.enabled,
      password = coalesce(kept, o.password), password_at = case when kept is null then o.password_at
                                                                else ledger.clock() end
  where o.operator_id = id
  returning o.* into who;
  -- Sessions with the old password end, and those of a disabled operator too.
  if kept is not null or not who.enabled then
    delete from ledger.session s where s.operator_id = id;
  end if;
  return who;
end
$$;
comment on function ledger.operator_change(bigint, text, text, boolean, text) is
  'Changes the values that are not null. A new password ends the sessions, and disabling ends them too. 22023: no '
  'owner would remain.';

-- ---- the command line

create function operator.operator_add(called text, of_role text, zone text, kept text)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  made ledger.operator := ledger.operator_make(called, of_role, zone, kept);
  nobody ledger.operator;
begin
  nobody.name := 'command line';
  perform ledger.audit_write(nobody, 'operator.add', ledger.operator_named(made), null, ledger.operator_json(made));
  return made.operator_id;
end
$$;
comment on function operator.operator_add(text, text, text, text) is
  'Makes an operator of the admin page and returns the number; kept: the stored form of the password (base/password).';

create function operator.operator_set(called text, new_role text, new_zone text, enable boolean, kept text)
returns bigint
language plpgsql security definer set search_path = ledger, pg_temp
as $$
declare
  was ledger.operator;
  made ledger.operator;
  nobody ledger.operator;
begin
  nobody.name := 'command line';
  select o.* into was from ledger.operator o where lower(o.name) = lower(ledger.name_of(called));
  if not found then
    perform ledger.refuse('operator.name_unknown', jsonb_build_object('name', called), 'P0002');
  end if;
  made := ledger.operator_change(was.operator_id, new_role, new_zone, enable, kept);
  perform ledger.audit_write(nobody, case when kept is null then 'operator.change' else 'operator.password' end,
                             ledger.operator_named(made), ledger.operator_json(was), ledger.operator_json(made));
  return made.operator_id;
end
$$;
comment on function operator.operator_set(text, text, text, boolean, text) is
  'Changes the values that are not null of the operator with this name, see ledger.operator_change().';

create function operator.operator_list()
returns table (operator_id bigint, name text, role text, time_zone text, enabled boolean, totp boolean, seen_us bigint,
               sessions bigint)
language sql stable security definer set search_path = ledger, pg_temp
as $$
  select o.operator_id, o.name, o.role, o.time_zone, o.enabled, ledger.totp_is_on(o.operator_id),
         (extract(epoch from o.seen_at) * 1000000)::bigint,
         (select count(*) from ledger.session s
          where s.operator_id = o.operator_id and s.expires_at > ledger.clock() and s.seen_at + s.idle > ledger.clock())
  from ledger.operator o order by lower(o.name)
$$;
comment on function operator.operator_list() is 'The operators of the admin page, each with the number of sessions.';
