/** The little shop of the quickstart and of scripts/demo: keeps orders in the database `db`, lists them at `/`, takes new ones. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import mysql, { type Pool, type RowDataPacket } from 'mysql2/promise';

const schema = [
  `CREATE TABLE IF NOT EXISTS customers (
    id INT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(80) NOT NULL UNIQUE)`,
  `CREATE TABLE IF NOT EXISTS orders (
    id INT AUTO_INCREMENT PRIMARY KEY,
    customer_id INT NOT NULL,
    item VARCHAR(80) NOT NULL,
    cents INT NOT NULL,
    ordered_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (customer_id) REFERENCES customers (id))`,
  `CREATE TABLE IF NOT EXISTS order_log (
    id INT AUTO_INCREMENT PRIMARY KEY,
    order_id INT NOT NULL,
    note VARCHAR(200) NOT NULL)`,
  `CREATE OR REPLACE VIEW order_totals AS
    SELECT customers.name, COUNT(*) AS orders, SUM(orders.cents) AS cents
    FROM orders JOIN customers ON customers.id = orders.customer_id GROUP BY customers.name`,
  `CREATE TRIGGER IF NOT EXISTS orders_are_logged AFTER INSERT ON orders
    FOR EACH ROW INSERT INTO order_log (order_id, note) VALUES (NEW.id, CONCAT('ordered: ', NEW.item))`,
];

const firstCustomers = ['Ada', 'Grace', 'Zoë', '山田'];
const firstItems = [
  'Anchor, 12 kg',
  'Rope, 30 m',
  'Lantern ☀',
  'Chart of the “outer” banks',
  "Bo's'n's whistle",
];

const pool = mysql.createPool({
  host: process.env.MYSQL_HOST ?? 'db',
  port: Number(process.env.MYSQL_PORT ?? 3306),
  database: process.env.MYSQL_DATABASE ?? 'orders_tracker',
  user: process.env.MYSQL_USER ?? 'orders',
  password: process.env.MYSQL_PASSWORD ?? '',
  connectTimeout: 5_000,
  charset: 'utf8mb4',
});

await prepare(pool);
const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    send(response, 500, 'text/plain', `the shop cannot reach its database: ${String(error)}\n`);
  });
});
const host = process.env.SHOP_HOST ?? '0.0.0.0';
const port = Number(process.env.SHOP_PORT ?? 8080);
server.listen(port, host, () => console.log(`the shop is open on port ${port}`));
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  void pool.end();
});

/** Waits for the database, then makes the tables and, the first time, some orders. */
async function prepare(database: Pool) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      for (const statement of schema) await database.query(statement);
      break;
    } catch (error) {
      if (attempt === 60) throw error;
      await pause(1_000);
    }
  }
  const [[count]] = await database.query<RowDataPacket[]>('SELECT COUNT(*) AS orders FROM orders');
  if (count?.orders > 0) return;
  await database.query('INSERT IGNORE INTO customers (name) VALUES ?', [
    firstCustomers.map((name) => [name]),
  ]);
  for (let number = 0; number < 40; number += 1) {
    const customer = firstCustomers[number % firstCustomers.length] ?? '';
    await order(database, customer, firstItems[number % firstItems.length] ?? '', 500 + number * 37);
  }
}

async function order(database: Pool, customer: string, item: string, cents: number) {
  await database.execute('INSERT IGNORE INTO customers (name) VALUES (?)', [customer]);
  await database.execute(
    'INSERT INTO orders (customer_id, item, cents) SELECT id, ?, ? FROM customers WHERE name = ?',
    [item, cents, customer],
  );
}

async function answer(request: IncomingMessage, response: ServerResponse) {
  const url = new URL(request.url ?? '/', 'http://shop');
  if (request.method === 'POST' && url.pathname === '/orders') {
    const form = new URLSearchParams(await body(request));
    await order(pool, form.get('customer') ?? 'Somebody', form.get('item') ?? 'Something', 1_000);
    response.writeHead(303, { location: '/' }).end();
    return;
  }
  if (url.pathname !== '/' && url.pathname !== '/orders') {
    send(response, 404, 'text/plain', 'there is no such page\n');
    return;
  }
  const [rows] = await pool.query<RowDataPacket[]>(
    `SELECT orders.id, customers.name AS customer, item, cents, ordered_at AS orderedAt
     FROM orders JOIN customers ON customers.id = customer_id ORDER BY orders.id DESC`,
  );
  if (url.pathname === '/orders') send(response, 200, 'application/json', JSON.stringify(rows));
  else send(response, 200, 'text/html; charset=utf-8', page(rows));
}

async function body(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) {
    text += String(part);
    if (text.length > 10_000) throw new Error('an order that long is refused');
  }
  return text;
}

function page(rows: RowDataPacket[]): string {
  const lines = rows.map(
    (row) =>
      `<tr><td>${row.id}</td><td>${escape(row.customer)}</td><td>${escape(row.item)}</td><td>${(row.cents / 100).toFixed(2)}</td></tr>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Orders</title>
<style>body{font:16px/1.5 system-ui;margin:3rem auto;max-width:46rem;padding:0 1rem}td,th{padding:.2rem 1rem .2rem 0;text-align:left}</style>
<h1>Orders</h1><p>${rows.length} orders. This page stands behind the gate: it is here because there is a fresh backup, or because this is the first day.</p>
<form method="post" action="/orders"><input name="customer" placeholder="customer" required> <input name="item" placeholder="item" required> <button>Order</button></form>
<table><tr><th>No.</th><th>Customer</th><th>Item</th><th>Price</th></tr>${lines.join('\n')}</table></html>`;
}

function escape(text: unknown): string {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function send(response: ServerResponse, status: number, type: string, text: string) {
  response.writeHead(status, { 'content-type': type }).end(text);
}
