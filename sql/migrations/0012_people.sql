-- Who did it: lists of events look each of them up, and who is a member of what.
create index workspace_user_user on toggl.workspace_user (workspace_id, user_id);
