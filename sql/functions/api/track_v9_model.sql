-- The fields that Toggl's published file lists for answers of its Track API. Each answer of
-- hookledger-api has every field, even if its value is not known, because clients are generated
-- from that file. track_v9.sql calls ledger.published() for each entity.

create or replace view ledger.published_model (model, name, fields, nested) as values
    ('me', 'UserWithRelated',
     '{"2fa_enabled": false, "api_token": "", "at": null, "authorization_updated_at": null,
      "beginning_of_week": 1, "clients": null, "country_id": null, "created_at": null,
      "default_workspace_id": null, "email": null, "fullname": "", "has_password": false, "id": null,
      "image_url": "", "intercom_hash": "", "oauth_providers": [], "openid_email": null, "openid_enabled": false,
      "options": {}, "projects": null, "tags": null, "tasks": null, "time_entries": null, "timezone": null,
      "toggl_accounts_id": "", "updated_at": null, "workspaces": null}'::jsonb,
     '{}'::jsonb),
    ('organization', 'MeOrganization',
     '{"admin": false, "at": null, "created_at": null, "id": null, "is_multi_workspace_enabled": false,
      "is_unified": false, "max_data_retention_days": null, "max_workspaces": 0, "name": "", "owner": false,
      "permissions": [], "pricing_plan_enterprise": false, "pricing_plan_id": null, "pricing_plan_name": "",
      "suspended_at": null, "trial_info": null, "user_count": 0}',
     '{"trial_info": "trial"}'),
    ('workspace', 'Workspace',
     '{"admin": false, "api_token": "", "at": null, "business_ws": false, "csv_upload": null,
      "default_currency": "USD", "default_hourly_rate": null, "disable_approvals": false,
      "disable_expenses": false, "disable_timesheet_view": false, "hide_start_end_times": false,
      "ical_enabled": false, "ical_url": "", "id": null, "last_modified": null,
      "limit_public_project_data": false, "logo_url": "", "max_data_retention_days": null, "name": "",
      "only_admins_may_create_projects": false, "only_admins_may_create_tags": false,
      "only_admins_see_team_dashboard": false, "organization_id": null, "permissions": [], "premium": false,
      "projects_billable_by_default": false, "projects_enforce_billable": false,
      "projects_private_by_default": false, "rate_last_updated": null, "reports_collapse": true, "role": "user",
      "rounding": 0, "rounding_minutes": 0, "subscription": null, "suspended_at": null, "te_constraints": null,
      "working_hours_in_minutes": null}',
     '{"csv_upload": "csv_upload", "subscription": "subscription"}'),
    ('project', 'Project',
     '{"active": true, "actual_hours": 0, "actual_seconds": 0, "at": null, "auto_estimates": false,
      "billable": false, "can_track_time": true, "cid": null, "client_id": null, "client_name": null, "color": "",
      "created_at": null, "currency": null, "current_period": null, "end_date": null, "estimated_hours": null,
      "estimated_seconds": null, "external_reference": "", "fixed_fee": null, "id": null,
      "integration_ext_id": "", "integration_ext_type": "", "integration_provider": null, "is_private": false,
      "name": "", "permissions": [], "pinned": false, "rate": null, "rate_last_updated": null, "recurring": false,
      "recurring_parameters": [], "start_date": null, "status": "active", "template": false, "template_id": null,
      "total_count": 0, "wid": null, "workspace_id": null}',
     '{"recurring_parameters": "recurring_parameter", "current_period": "period"}'),
    ('client', 'Client',
     '{"archived": false, "at": null, "creator_id": null, "external_reference": "", "id": null,
      "integration_ext_id": "", "integration_ext_type": "", "integration_provider": null, "name": "", "notes": "",
      "permissions": [], "total_count": 0, "wid": null}',
     '{}'),
    ('tag', 'Tag',
     '{"at": null, "creator_id": null, "deleted_at": null, "id": null, "integration_ext_id": "",
      "integration_ext_type": "", "integration_provider": null, "name": "", "permissions": [],
      "workspace_id": null}',
     '{}'),
    ('task', 'Task',
     '{"active": true, "at": null, "avatar_url": null, "client_id": null, "client_name": null,
      "estimated_seconds": 0, "external_reference": "", "id": null, "integration_ext_id": "",
      "integration_ext_type": "", "integration_provider": null, "name": "", "permissions": [],
      "project_billable": null, "project_color": null, "project_id": null, "project_is_private": null,
      "project_name": null, "rate": null, "rate_last_updated": null, "recurring": false, "toggl_accounts_id": "",
      "tracked_seconds": 0, "user_id": null, "user_name": null, "workspace_id": null}',
     '{}'),
    ('time_entry', 'TimeEntry',
     '{"at": null, "billable": false, "client_name": null, "description": "", "duration": 0, "duronly": false,
      "expense_ids": [], "id": null, "permissions": [], "pid": null, "project_active": null,
      "project_billable": null, "project_color": null, "project_id": null, "project_name": null,
      "shared_with": [], "start": null, "stop": null, "tag_ids": [], "tags": [], "task_id": null,
      "task_name": null, "tid": null, "uid": null, "user_avatar_url": null, "user_id": null, "user_name": null,
      "wid": null, "workspace_id": null}',
     '{"shared_with": "shared_with"}'),
    ('workspace_user', 'WorkspaceUser',
     '{"2fa_enabled": false, "active": true, "admin": false, "at": null, "avatar_file_name": "", "email": null,
      "group_ids": [], "id": null, "inactive": false, "invitation_code": "", "invite_url": "", "is_direct": true,
      "labor_cost": null, "labor_cost_last_updated": null, "name": "", "organization_admin": false, "rate": null,
      "rate_last_updated": null, "role": "user", "role_id": null, "timezone": null, "uid": null, "user_id": null,
      "view_edit_billable_rates": false, "view_edit_labor_costs": false, "wid": null,
      "working_hours_in_minutes": null, "workspace_admin": false, "workspace_id": null}',
     '{}'),
    ('project_user', 'ProjectUser',
     '{"at": null, "gid": null, "group_id": null, "id": null, "labor_cost": null,
      "labor_cost_last_updated": null, "manager": false, "project_id": null, "rate": null,
      "rate_last_updated": null, "user_id": null, "workspace_id": null}',
     '{}'),
    ('recurring_parameter', 'RecurringProjectParameters',
     '{"custom_period": 0, "estimated_seconds": 0, "parameter_end_date": null, "parameter_start_date": null,
      "period": "", "project_start_date": null}',
     '{}'),
    ('period', 'RecurringPeriod',
     '{"end_date": null, "start_date": null}',
     '{}'),
    ('shared_with', 'TimeEntrySharedWith',
     '{"accepted": false, "user_id": null, "user_name": null}',
     '{}'),
    ('csv_upload', 'CsvUpload',
     '{"at": null, "log_id": null}',
     '{}'),
    ('trial', 'TrialInfo',
     '{"can_have_trial": false, "last_pricing_plan_id": null, "next_payment_date": null, "trial": false,
      "trial_available": false, "trial_end_date": null, "trial_plan_id": null}',
     '{}'),
    ('subscription', 'Subscription',
     '{"auto_renew": false, "card_details": null, "company_id": null, "contact_detail": null, "created_at": null,
      "currency": null, "customer_id": null, "deleted_at": null, "last_pricing_plan_id": null,
      "organization_id": null, "payment_details": null, "pricing_plan_id": null, "renewal_at": null,
      "subscription_id": null, "subscription_period": null, "workspace_id": null}',
     '{"card_details": "card", "contact_detail": "contact", "payment_details": "payment",
      "subscription_period": "subscription_period"}'),
    ('card', 'CardDetails',
     '{"added_at": null, "card_number": "", "card_type": "", "creator_id": null, "creator_name": "",
      "expiry_date": null, "holder_name": ""}',
     '{}'),
    ('contact', 'ContactDetail',
     '{"company_address": "", "company_city": "", "company_name": "", "contact_detail_id": null,
      "contact_email": "", "contact_person": "", "country_id": null, "country_subdivision_id": null,
      "created_at": null, "customer_id": null, "is_eu_resident": false, "updated_at": null, "user_id": null,
      "vat_number": "", "vat_number_valid": false, "vat_number_validated_at": null, "zip_code": ""}',
     '{}'),
    ('payment', 'PaymentDetail',
     '{"created_at": null, "currency": null, "customer_id": null, "payment_type": "", "reference": "",
      "user_id": null}',
     '{}'),
    ('subscription_period', 'Period',
     '{"created_at": null, "finished_on": "", "started_on": "", "subscription_id": null,
      "subscription_period_id": null, "trial": false, "user_count": 0}',
     '{}');
comment on view ledger.published_model is
  'The models of Toggl''s Track API v9 in our answers, with the default of each field for an unknown value: false, 0, '
  'an empty text or list. It is null where any value would be wrong: for times, unknown facts, references and money.';
comment on column ledger.published_model.model is 'Our name for it.';
comment on column ledger.published_model.name is 'The last word of its name in the published file.';
comment on column ledger.published_model.fields is 'Its fields with their defaults.';
comment on column ledger.published_model.nested is 'The fields that contain another model, or a list of it.';

create function ledger.published(of_model text, entity jsonb)
returns jsonb
-- plpgsql keeps its plans; a list calls this thousands of times
language plpgsql immutable set search_path = ledger, pg_temp
as $$
declare
  -- the same value under the old and the new name
  old_names constant text[] := '{wid,pid,cid,tid,uid,gid}';
  new_names constant text[] := '{workspace_id,project_id,client_id,task_id,user_id,group_id}';
  fields jsonb;
  nested jsonb;
  whole jsonb;
  name text;
begin
  select p.fields, p.nested into fields, nested from ledger.published_model p where p.model = of_model;
  -- (what marks an entry that was loaded from a report is ours)
  whole := fields || (entity - 'hookledger_source');
  for i in 1 .. 6 loop
    if fields ? old_names[i] and not entity ? old_names[i] and entity ? new_names[i] then
      whole := whole || jsonb_build_object(old_names[i], entity -> new_names[i]);
    elsif fields ? new_names[i] and not entity ? new_names[i] and entity ? old_names[i] then
      whole := whole || jsonb_build_object(new_names[i], entity -> old_names[i]);
    end if;
  end loop;
  if of_model = 'project' and not entity ? 'status' then
    whole := whole || jsonb_build_object('status', case
      when jsonb_typeof(entity -> 'server_deleted_at') = 'string' then 'deleted'
      when entity -> 'active' = 'false' then 'archived' else 'active' end);
  end if;
  if nested <> '{}' then
    for name in select k from jsonb_object_keys(nested) k where jsonb_typeof(entity -> k) in ('object', 'array') loop
      whole := whole || jsonb_build_object(name, case jsonb_typeof(entity -> name)
        when 'object' then ledger.published(nested ->> name, entity -> name)
        else (select coalesce(jsonb_agg(case when jsonb_typeof(e.value) = 'object' then
                                             ledger.published(nested ->> name, e.value) else e.value end
                                        order by e.place), '[]')
              from jsonb_array_elements(entity -> name) with ordinality e (value, place)) end);
    end loop;
  end if;
  return whole;
end
$$;
comment on function ledger.published(text, jsonb) is
  'The entity with all fields of its published model, also in nested models.';
