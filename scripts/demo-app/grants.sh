#!/bin/bash
# Run once by the quickstart's database when it is made (/docker-entrypoint-initdb.d): the user that dumps, with what a complete
# dump needs, what a restore of orders_tracker needs, and databases of its own for trying restores.
set -euo pipefail

password=${HOLDFAST_DB_PASSWORD:?}
# MYSQL_PWD and not the command line: a process list shows arguments.
MYSQL_PWD=${MYSQL_ROOT_PASSWORD-} mysql -uroot --socket=/var/run/mysqld/mysqld.sock <<SQL
CREATE USER IF NOT EXISTS holdfast@'%' IDENTIFIED BY '${password//\'/\'\'}';
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, PROCESS, RELOAD, REPLICATION CLIENT, SHOW_ROUTINE ON *.* TO holdfast@'%';
GRANT ALL ON \`${MYSQL_DATABASE//_/\\_}%\`.* TO holdfast@'%';
GRANT ALL ON \`holdfast\_%\`.* TO holdfast@'%';
GRANT SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER ON *.* TO holdfast@'%';
SQL
