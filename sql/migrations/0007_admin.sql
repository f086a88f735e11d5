-- The admin page: operators, sessions, audit.
select;
