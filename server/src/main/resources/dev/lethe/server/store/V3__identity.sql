-- Which database this is, so that servers see whether they agree by the same one.
create table identity (
  id varchar(36) not null
);

insert into identity (id) values (${random});
