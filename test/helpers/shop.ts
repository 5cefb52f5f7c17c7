import type { TestServer } from './server.ts';

/** Where a test's agent finds its database, and the rights that a complete backup and its verification need. */
export interface Shop {
  database: string;
  /** Who the agent is there. */
  user: string;
  environment: Record<string, string>;
}

let number = 0;

/** A new database on the server with a table of so many rows, a view, a trigger and a routine, and a user for the agent. */
export async function createShop(server: TestServer, rows: number, port = server.port): Promise<Shop> {
  number += 1;
  const database = `shop${number}`;
  const user = `keeper${number}`;
  await server.sql(`
    CREATE DATABASE ${database};
    CREATE USER ${user}@'%' IDENTIFIED BY 'keeper-secret';
    GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON ${database}.* TO ${user}@'%';
    GRANT SELECT ON mysql.proc TO ${user}@'%';
    GRANT PROCESS, RELOAD ON *.* TO ${user}@'%';
    GRANT ALL ON \`holdfast\\_%\`.* TO ${user}@'%';
    USE ${database};
    CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(80) NOT NULL, note TEXT);
    INSERT INTO orders (name, note) SELECT CONCAT('Zoë ', seq), REPEAT(MD5(seq), 5) FROM seq_1_to_${rows};
    CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(80));
    INSERT INTO customers VALUES (1, 'Ada'), (2, 'Bob');
    CREATE VIEW totals AS SELECT COUNT(*) AS number FROM orders;
    CREATE TRIGGER marked BEFORE INSERT ON customers FOR EACH ROW SET NEW.name = CONCAT(NEW.name, '!');
    CREATE PROCEDURE answer() SELECT 42;
  `);
  return {
    database,
    user,
    environment: {
      MYSQL_HOST: server.host,
      MYSQL_PORT: String(port),
      MYSQL_DATABASE: database,
      MYSQL_USER: user,
      MYSQL_PASSWORD: 'keeper-secret',
    },
  };
}
