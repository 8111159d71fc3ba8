/**
 * The test command: every check of the project, in order, each named and timed. All of them run even when
 * one fails. The last line is `N passed, N failed`; the exit code is 0 only if nothing failed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { ensureTools } from './tools.mjs';

const RESULTS = 'test-results/summary';
rmSync(RESULTS, { recursive: true, force: true });
mkdirSync(RESULTS, { recursive: true });

const env = {
  ...process.env,
  PATH: `${resolve('node_modules/.bin')}${delimiter}${process.env.PATH}`,
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1',
};

function succeeds([program, ...args], more = {}) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit', env: { ...env, ...more } });
  if (error) console.log(`${program} did not run: ${error.message}`);
  return status === 0;
}

const one = (passed) => ({ passed: passed ? 1 : 0, failed: passed ? 0 : 1 });
const command = (...words) => one(succeeds(words));

/** Counts of a report; a run that failed without a failed test (or left no report) counts one failure. */
function counted(file, succeeded, read) {
  const counts = existsSync(file) ? read(JSON.parse(readFileSync(file, 'utf8'))) : { passed: 0, failed: 0 };
  return { passed: counts.passed, failed: Math.max(counts.failed, succeeded ? 0 : 1) };
}

function vitest(...projects) {
  const file = join(RESULTS, `${projects.join('-')}.json`);
  const chosen = projects.flatMap((name) => ['--project', name]);
  const reports = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const succeeded = succeeds(['vitest', 'run', ...chosen, ...reports]);
  return counted(file, succeeded, ({ numPassedTests, numFailedTests, numPendingTests }) => ({
    passed: numPassedTests,
    // Nothing is skipped here: a test that did not run did not pass.
    failed: numFailedTests + numPendingTests,
  }));
}

function playwright() {
  const file = join(RESULTS, 'browser.json');
  const succeeded = succeeds(['playwright', 'test', '--reporter=list,json'], { PLAYWRIGHT_JSON_OUTPUT_NAME: file });
  return counted(file, succeeded, ({ stats }) => {
    // A test of one browser's own ability is skipped in the other; a retried test is named by the reporter.
    if (stats.skipped > 0) console.log(`${stats.skipped} browser tests do not apply to one of the browsers`);
    return { passed: stats.expected + stats.flaky, failed: stats.unexpected };
  });
}

const steps = [
  ['tools', () => one(ensureTools())],
  ['types', () => command('tsc', '-b')],
  ['lint', () => command('biome', 'check', '.')],
  ['unused code', () => command('knip')],
  ['API reference', () => command('node', 'scripts/api.mjs', '--check')],
  ['unit and component tests', () => vitest('unit', 'ui')],
  ['build', () => command('npm', 'run', '--silent', 'build')],
  ['size budget', () => command('size-limit')],
  ['no WebAssembly', () => command('node', 'scripts/no-wasm.mjs')],
  ['oracle tests', () => vitest('oracle')],
  ['browser tests', playwright],
];

const total = { passed: 0, failed: 0 };
const report = [];
for (const [name, run] of steps) {
  console.log(`\n=== ${name}`);
  const start = performance.now();
  const { passed, failed } = run();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  total.passed += passed;
  total.failed += failed;
  report.push(`${failed === 0 ? 'ok    ' : 'FAILED'}  ${name}: ${passed} passed, ${failed} failed, ${seconds} s`);
}

console.log(`\n${report.join('\n')}\n\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
