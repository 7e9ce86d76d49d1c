-- Which of the tables this role can work with: 0 not all are there, 1 it can, 2 not
-- with every right.
select case
  when to_regclass('{schema}.kept') is null or to_regclass('{schema}.held') is null
    or to_regclass('{schema}.told') is null then 0::int8
  when coalesce(has_table_privilege(to_regclass('{schema}.kept'), 'select')
    and has_table_privilege(to_regclass('{schema}.kept'), 'insert')
    and has_table_privilege(to_regclass('{schema}.kept'), 'update')
    and has_table_privilege(to_regclass('{schema}.kept'), 'delete')
    and has_table_privilege(to_regclass('{schema}.held'), 'select')
    and has_table_privilege(to_regclass('{schema}.held'), 'insert')
    and has_table_privilege(to_regclass('{schema}.held'), 'update')
    and has_table_privilege(to_regclass('{schema}.held'), 'delete')
    and has_table_privilege(to_regclass('{schema}.told'), 'select')
    and has_table_privilege(to_regclass('{schema}.told'), 'insert')
    and has_table_privilege(to_regclass('{schema}.told'), 'update')
    and has_table_privilege(to_regclass('{schema}.told'), 'delete'), false) then 1::int8
  else 2::int8 end
