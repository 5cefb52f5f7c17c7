/** Columns and rows that are easily read as something else: every type, its edges, and tables of every kind. */
export const HOSTILE_ROWS = `
SET time_zone = '+05:30'; SET sql_mode = '';
CREATE TABLE types (
  id bigint unsigned PRIMARY KEY AUTO_INCREMENT, t tinyint, u bigint unsigned, d decimal(65,30), z int(8) zerofill,
  f float, f2 float(10,2), o double, b bit(64), b1 bit(1), y year, da date, ti time(6), dt datetime(6), ts timestamp(6) NULL,
  c char(10) CHARACTER SET latin1, vc varchar(50) CHARACTER SET utf16, vb varbinary(50), bi binary(6), tx mediumtext CHARACTER SET latin1 COLLATE latin1_bin,
  bl longblob, e enum('', 'a#b', 'ü') CHARACTER SET utf8mb3, s set('x','y') , j json, g geometry, ls linestring, gc geometrycollection, un uuid, i6 inet6,
  gv int GENERATED ALWAYS AS (t + 1) VIRTUAL, gs varchar(60) GENERATED ALWAYS AS (CONCAT(vc, '!')) STORED, inv int INVISIBLE DEFAULT 7
) AUTO_INCREMENT = 18446744073709551000;
INSERT INTO types (t, u, d, z, f, f2, o, b, b1, y, da, ti, dt, ts, c, vc, vb, bi, tx, bl, e, s, j, g, ls, gc, un, i6, inv) VALUES
  (-128, 18446744073709551615, -1234567890.000000000000000000000000000001, 42, 16777217, 1.005, 0.1, b'1000000000000000000000000000000000000000000000000000000000000001', 1, 2155, '0000-00-00', '-838:59:59.999999', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07.999999',
   'é  ', '😀', x'0023ff', x'00', 'ÿ', REPEAT(x'00ff2327', 500000), 'a#b', 'x,y', '{"b": 1.0, "a": [null, 1e400]}', POINT(1.1, -2.2), LineString(POINT(0,0), POINT(1,1e-300)), GeometryCollection(POINT(1,1)), UUID(), '::ffff:1.2.3.4', NULL),
  (0, 0, 0, 0, -0.0, -0.0, -0e0, 0, 0, 0, '2020-02-30', '00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00',
   '', '', '', '', '', '', '', '', 'null', POINT(0,0), NULL, NULL, NULL, NULL, 1),
  (NULL, NULL, NULL, NULL, 1.17549e-38, NULL, 1.7976931348623157e308, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (NULL, NULL, NULL, NULL, 3.14159265, NULL, 2.2250738585072014e-308, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '#', '#', '#', '#', '#', '#', NULL, '', '"#"', NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE versioned (id int PRIMARY KEY, x int, a timestamp(6) GENERATED ALWAYS AS ROW START, b timestamp(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (a, b)) WITH SYSTEM VERSIONING;
INSERT INTO versioned (id, x) VALUES (1, 1), (2, 2); UPDATE versioned SET x = 3; DELETE FROM versioned WHERE id = 2;
CREATE TABLE hidden_versions (id int) WITH SYSTEM VERSIONING; INSERT INTO hidden_versions VALUES (1); UPDATE hidden_versions SET id = 2;
CREATE TABLE only_generated (a int AS (1) VIRTUAL, b int); INSERT INTO only_generated (b) VALUES (NULL), (NULL);
CREATE TABLE months (d date NOT NULL, n int) PARTITION BY RANGE (YEAR(d)) SUBPARTITION BY HASH (TO_DAYS(d)) SUBPARTITIONS 2
  (PARTITION p0 VALUES LESS THAN (2020) COMMENT = 'old', PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO months VALUES ('2019-01-01', 1), ('2024-01-01', 2);
CREATE TABLE checked (a int CHECK (a > 0), b varchar(20) DEFAULT (CONCAT('x', 1)) COMMENT 'it''s', c timestamp DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, CONSTRAINT both_set CHECK (a + 1 > 1 OR b <> ';'));
INSERT INTO checked (a) VALUES (1);
CREATE TABLE \`a.b\` (\`c#d\` int, \`e.f\` text, KEY \`g.h\` (\`c#d\` DESC, \`e.f\`(3))) COMMENT = ') ENGINE=InnoDB AUTO_INCREMENT=5 ' ROW_FORMAT = COMPRESSED;
INSERT INTO \`a.b\` VALUES (1, '#'), (1, '#'), (NULL, '1');
CREATE TABLE stepping (id smallint AUTO_INCREMENT, k varchar(5), KEY (id)); INSERT INTO stepping (k) VALUES ('a'), ('b'); DELETE FROM stepping WHERE id = 2;
CREATE TABLE heap_table (id int) ENGINE = MEMORY; INSERT INTO heap_table VALUES (1);
CREATE TABLE aria_table (id int) ENGINE = Aria; INSERT INTO aria_table VALUES (1);
CREATE SEQUENCE down_again START WITH -5 INCREMENT BY -2 MINVALUE -100 MAXVALUE 10 CACHE 3 CYCLE;
SELECT NEXTVAL(down_again), NEXTVAL(down_again);
CREATE VIEW literal AS SELECT '\`nasty\`.x' AS a, versioned.id AS b FROM versioned JOIN months;
CREATE EVENT once ON SCHEDULE AT '2037-01-01 03:00:00' DO SELECT 1;
CREATE PROCEDURE talks_of_tables() COMMENT 'a
CREATE TABLE \`stepping\` (
) ENGINE=InnoDB AUTO_INCREMENT=99 ;' SELECT 1;
`;
