// DuckDB or Polars reads a CSV file: node table_peers.mjs duckdb|polars FILE THREADS COLUMN:TYPE,... ROUNDS
// Prints the seconds of each round, one a line. Started by table_run.py; the packages are npm's.
import { performance } from 'node:perf_hooks';

const [peer, file, threads, list, rounds] = process.argv.slice(2);
const columns = list.split(',').map((column) => column.split(':'));

if (peer === 'duckdb') {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const connection = await (await DuckDBInstance.create(':memory:', { threads })).connect();
  const types = columns.map(([name, type]) => `'${name}': '${type === 'text' ? 'VARCHAR' : type === 'int64' ? 'BIGINT' : 'DOUBLE'}'`);
  const names = columns.map(([name]) => `"${name}"`).join(', ');
  for (let round = 0; round < Number(rounds); ++round) {
    const start = performance.now();
    // A table in memory, as the others make.
    await connection.run(`CREATE OR REPLACE TABLE t AS SELECT ${names} FROM read_csv('${file}', header = true, types = {${types}})`);
    console.log((performance.now() - start) / 1000);
  }
} else {
  process.env.POLARS_MAX_THREADS = threads;
  const polars = (await import('nodejs-polars')).default;
  for (let round = 0; round < Number(rounds); ++round) {
    const start = performance.now();
    const frame = polars.readCSV(file, { columns: columns.map(([name]) => name), inferSchemaLength: 1000 });
    if (frame.height === 0) throw new Error('it is empty');
    console.log((performance.now() - start) / 1000);
  }
}
