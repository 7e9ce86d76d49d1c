-- What Keep, MinHold, Inspect, List and Break need. The driver makes it at the
-- first use of one of them, where its role may; else an administrator does.
-- Every role must see which keys are kept, or it would take them.
create schema if not exists {schema};

create table if not exists {schema}.kept (
  lock  int8 not null,
  id    int8 not null,
  key   bytea not null,
  mode  int4 not null,
  slot  int4 not null,
  until timestamptz,
  since timestamptz not null,
  token int8 not null,
  host  bytea not null,
  pid   int4 not null,
  label bytea not null,
  primary key (lock, id)
);

create unlogged table if not exists {schema}.held (
  lock    int8 not null,
  id      int8 not null,
  key     bytea not null,
  mode    int4 not null,
  until   timestamptz,
  since   timestamptz not null,
  token   int8 not null,
  host    bytea not null,
  pid     int4 not null,
  label   bytea not null,
  backend int4 not null,
  waiters int4 not null,
  primary key (lock, id)
);

create unlogged table if not exists {schema}.told (
  backend int4 primary key,
  at      timestamptz not null
);

grant usage on schema {schema} to public;

grant select (lock, mode, slot, until) on {schema}.kept to public;
