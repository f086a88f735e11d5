-- Text and cells of files that people open in Excel, LibreOffice or Google Sheets.
-- Used by `hookledger export --spreadsheet`, by the admin page's export of events, and by
-- analysts in their own queries.

-- A program that opens a file with a different separator splits a cell into pieces, so each piece
-- is checked: the text after , ; | a tab or a line end of any kind. A piece is taken for a formula
-- when it begins with = + - or @, in ASCII, full-width or small form. Blanks, quotes and invisible
-- characters before the sign do not prevent this: programs skip them.
create or replace function toggl.spreadsheet_text(value text)
returns text
language sql immutable parallel safe
return case
  -- A number stays one, except where a spreadsheet would change it: it keeps 15 digits, no
  -- leading zero, and reads 12E5 as 1200000.
  when value ~* '^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$'
    then case when value ~* '^[+-]?(\d{16}|0\d|\d+e\d+$)' then '''' || value else value end
  else case when value ~ '^[\t\r\n]' then '''' else '' end
       || regexp_replace(value,
            '(^|[,;|\t\r\n\u000b\u000c\u0085\u2028\u2029])'
            -- a piece that is a number stays a number
            '(?![+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*(?:$|[,;|\t\r\n]))'
            '([\u0001-\u0008\u000e-\u0020"\u007f-\u0084\u0086-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u180b-\u180f'
            '\u2000-\u200f\u202a-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e01ef]*'
            '[-=+@\uff0b\uff0d\uff1d\uff20\ufe62\ufe63\ufe66\ufe6b])', '\1''\2', 'g')
end;
comment on function toggl.spreadsheet_text(text) is
  'The text, with an apostrophe before what a spreadsheet would take for a formula, such as =HYPERLINK(...), at its '
  'beginning and after any separator in it, and before a number that a spreadsheet would change (more than 15 digits, '
  'leading zeros). Any other number stays one, also below zero. For files that are opened in Excel or LibreOffice: '
  'descriptions are text from any user of Toggl. Example: select start_at, toggl.spreadsheet_text(description) from '
  'toggl.time_entries;';

create or replace function toggl.spreadsheet_cell(value text, type regtype, decimal_sign text default '.')
returns text
language sql stable parallel safe
return case
  when type = any ('{smallint,integer,bigint,numeric,real,double precision}'::regtype[]) and value ~ '^-?\d'
    then case when value ~ '^-?\d{16}' then '''' || value else replace(value, '.', decimal_sign) end
  -- in the zone of the session: no spreadsheet reads an offset
  when type = any ('{timestamp with time zone,timestamp}'::regtype[]) and value ~ '^\d'
    then regexp_replace(value, '(:\d\d)(\.\d+)?([-+][\d:]+)?( BC)?$', '\1\4')
  when type = 'interval'::regtype then (
    select case when s.seconds < 0 then '''-' else '' end || div(abs(s.seconds), 3600)
           || to_char(div(mod(abs(s.seconds), 3600), 60), 'FM":"00') || to_char(mod(abs(s.seconds), 60), 'FM":"00')
    from (select trunc(extract(epoch from value::interval)) as seconds) s)
  when type = 'date'::regtype and value ~ '^\d' then value
  else toggl.spreadsheet_text(value)
end;
comment on function toggl.spreadsheet_cell(text, regtype, text) is
  'A value of that type as a spreadsheet reads it: a time without offset, in the zone of the session, to the second; '
  'an interval as hours:minutes:seconds; a number with that decimal sign; a whole number of more than 15 digits, '
  'which a spreadsheet would round, with an apostrophe before it, as text; any text as by toggl.spreadsheet_text(). '
  '`value` is what a cast to text gives under DateStyle ISO. Example: select '
  'toggl.spreadsheet_cell(time_entry_id::text, pg_typeof(time_entry_id)), toggl.spreadsheet_cell(start_at::text, '
  'pg_typeof(start_at)) from toggl.time_entries;';
