-- The event log: lines are added, and never changed or deleted. Each hash covers the line and the hash before it.
create table events (
  -- From 1, without gaps.
  number bigint primary key,
  -- What kind of line it is, to be looked up by; the line says it too, as event.
  kind varchar(24) not null,
  -- SHA-256 in hexadecimal.
  hash varchar(64) not null,
  -- One JSON object.
  line text not null
);

create index events_by_kind on events (kind, number);
