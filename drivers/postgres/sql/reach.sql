-- Whether this role sees which keys are kept: 1 it does, or nobody can keep any
-- yet. A schema that it may not use is an error.
select coalesce(has_column_privilege(to_regclass('{schema}.kept'), 'lock', 'select')
  and has_column_privilege(to_regclass('{schema}.kept'), 'mode', 'select')
  and has_column_privilege(to_regclass('{schema}.kept'), 'slot', 'select')
  and has_column_privilege(to_regclass('{schema}.kept'), 'until', 'select'), true)::int::int8
