-- Lets a service find out, before it takes a webhook, whether it can do its work here.

-- Tells the version of this schema, to be raised with every change that an older or newer service
-- would stumble over, and which of its calls a service cannot make here. `calls` names functions,
-- each with the names of its arguments; `missing` lists those that are not there like that, or that
-- the caller may not execute.
create function public.check_schema(calls jsonb)
returns table (version integer, missing text[])
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select
        1,
        array(
            select call.function
            from jsonb_each(check_schema.calls) as call (function, arguments)
            where not exists (
                select from pg_proc as present
                where
                    present.pronamespace = 'public'::regnamespace
                    and present.proname = call.function
                    and has_function_privilege(present.oid, 'execute')
                    and not exists (
                        select from jsonb_array_elements_text(call.arguments) as argument
                        where argument <> all(
                            coalesce(present.proargnames[:present.pronargs], '{}')
                        )
                    )
                    and not exists (
                        select
                        from unnest(
                            present.proargnames[:present.pronargs - present.pronargdefaults]
                        ) as required (argument)
                        where not (call.arguments @> to_jsonb(required.argument))
                    )
            )
            order by call.function
        );
end;
$$;

-- Privileges

revoke all on function public.check_schema(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.check_schema(jsonb) to service_role;
