import fs from 'node:fs';
import path from 'node:path';

/** Leaves the totals of a run, and the files that failed, where scripts/jest.mjs reads them. */
export default class ResultsFile {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const totals = `${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
    const failedFiles = results.testResults
      .filter(({ numFailingTests, testExecError }) => numFailingTests > 0 || testExecError)
      .map(({ testFilePath }) => path.relative(process.cwd(), testFilePath));
    fs.writeFileSync(process.env.UNISSON_JEST_RESULTS, JSON.stringify({ totals, failedFiles }));
  }
}
