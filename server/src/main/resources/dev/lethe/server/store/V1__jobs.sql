-- Times are milliseconds since 1970-01-01T00:00Z.

-- A request to unlearn, from its acceptance on. What the clients are told is in job, what a worker is told in work, both
-- in Protobuf's JSON mapping; the other columns are what is looked up and ordered by.
create table jobs (
  id varchar(64) primary key,
  model varchar(64) not null,
  phase varchar(32) not null,
  state varchar(32) not null,
  submitted bigint not null,
  submitted_by varchar(400) not null,
  -- Null until it has.
  ended bigint,
  -- How often a worker was started for it.
  attempt int not null,
  -- What is to become of its candidate.
  intent varchar(16) not null,
  -- The key that its client chose for the request, if it did; such requests are unique for each client.
  request_key varchar(128),
  -- What was asked for, in a form that tells nothing of it: equal requests are equal.
  request_digest varchar(64) not null,
  -- The key of its images, which the server's key opens; null once they are deleted.
  sealed_key varchar(200),
  -- When its files were seen to be gone, after its end.
  cleaned bigint,
  -- Counts changes.
  revision bigint not null,
  job text not null,
  work text not null
);

create index jobs_by_turn on jobs (model, ended, submitted, id);
create unique index jobs_by_request_key on jobs (submitted_by, request_key);
create index jobs_by_request on jobs (request_digest, ended);
create index jobs_by_age on jobs (submitted, id);

-- What can be shown later about the images that were to be unlearned, without them: whoever has one can tell whether it
-- was among them. SHA-256 of the salt and the pixels; the salt is random for each.
create table job_commitments (
  job varchar(64) not null references jobs (id) on delete cascade,
  number int not null,
  salt varchar(32) not null,
  sha256 varchar(64) not null,
  primary key (job, number)
);

-- db-scheduler's: the queue with its leases and heartbeats.
create table scheduled_tasks (
  task_name varchar(100) not null,
  task_instance varchar(100) not null,
  task_data ${bytes},
  execution_time ${time} not null,
  picked ${flag} not null,
  picked_by varchar(50),
  last_success ${time},
  last_failure ${time},
  consecutive_failures int,
  last_heartbeat ${time},
  version bigint not null,
  priority smallint,
  primary key (task_name, task_instance)
);

create index execution_time_idx on scheduled_tasks (execution_time);
create index last_heartbeat_idx on scheduled_tasks (last_heartbeat);
create index priority_execution_time_idx on scheduled_tasks (priority desc, execution_time asc);
