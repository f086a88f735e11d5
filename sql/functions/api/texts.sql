-- What the two published APIs answer when they refuse, in one table. Programs that were
-- written for Toggl compare these texts, so they are Toggl's word for word where Toggl has
-- one; nobody translates them.

create function ledger.api_text(name text, variadic parts text[] default '{}')
returns text
language sql immutable set search_path = ledger, pg_temp
as $$
  select coalesce((
    select format(t.text, variadic parts)
    from (values
      ('too_fast', 'Too many requests: one a second is a safe pace; wait as long as Retry-After says'),
      ('login', 'Incorrect username and/or password'),
      ('no_workspace', 'User not found/accessible for workspace'),
      ('quota', 'You have hit your hourly limit for API calls. It resets in %s seconds'),
      ('no_subscription', 'subscription %s for workspace %s was not found'),
      ('description_empty', 'Subscription description must not be empty'),
      ('description_long', 'Subscription description must not be longer than 1000 characters'),
      ('description_taken', 'Subscription description ''%s'' is already in use for workspace %s'),
      ('url_empty', 'URL endpoint  request failed with error: the url_callback must not be empty'),
      ('url_long', 'The url_callback must not be longer than 4096 characters'),
      ('url_blank', 'The url_callback contains a blank or a character that cannot be seen: remove it, or '
       'write %%20 for a blank that belongs there'),
      ('secret_kind', 'The secret must be a string'),
      ('secret_long', 'The secret must not be longer than 256 bytes'),
      ('enabled_kind', 'The enabled field must be true or false'),
      ('enabled_missing', 'The enabled field must be set'),
      ('validated', 'subscription %s has already been validated'),
      ('no_code', 'subscription %s for workspace %s and validation code ''%s'' was not found'),
      ('filters_empty', 'The list of event filters must not be empty'),
      ('filters_many', 'The limit of %s event filters for your subscription has been exceeded as you''re '
       'trying to set %s filters'),
      ('entity_empty', 'The entity field for each subscription event filter must be non-empty'),
      ('entity_odd', 'The value ''%s'' for the filter entity can only contain letters, numbers and ''_'' '
       'or be ''*'' to match all entities'),
      ('action_empty', 'The action field for each subscription event filter must be non-empty'),
      ('action_odd', 'The value ''%s'' for the filter action can only contain letters, numbers and ''_'' '
       'or be ''*'' to match all actions'),
      ('action_unknown', 'Invalid value ''%s'' for event filter action'),
      ('filter_twice', 'The following event filter appears more than once for your subscription: %s'),
      ('webhooks_many', 'User %s already reached the limit of %s enabled subscriptions for workspace %s'),
      ('per_page', 'per_page cannot exceed 200'),
      ('include_archived', 'Invalid include_archived'),
      ('project_id', 'Invalid project_id'),
      ('client_status', 'Client status is invalid'),
      ('include_not_active', 'Invalid include_not_active'),
      ('active', 'Invalid active'),
      ('dates', 'start_date, end_date and before are dates (YYYY-MM-DD) or RFC 3339 times'),
      ('report_empty', 'At least one parameter must be set'),
      ('report_value', 'Invalid ''%s'' value, allowed values are: ''%s'''),
      ('report_ids', 'Maximum count of posted IDs is %s'),
      ('own_entries', 'start_date must not be earlier than %s'),
      ('report_range', 'Invalid ''end_date'' value, allowed values are: ''days on and after start_date'''),
      ('subscription_deleted', 'its subscription is deleted'),
      ('subscription_disabled', 'its subscription is disabled for long'),
      ('address_gone', 'its address is gone (410)'),
      ('account_off', 'the account of its subscription is disabled, or may not use the workspace any more'),
      ('not_visible', 'the account of its subscription may not see it any more')) t (name, text)
    where t.name = api_text.name), api_text.name)
$$;
comment on function ledger.api_text(text, text[]) is
  'A text of the published APIs with its parts filled in; the last five say why a delivery was dropped (dropped_for).';
