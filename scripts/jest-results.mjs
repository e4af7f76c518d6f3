import fs from 'node:fs';

/** Leaves the totals of a run where scripts/test.mjs reads them. */
export default class ResultsFile {
  onRunComplete(
    _contexts,
    { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, numPendingTests, numTodoTests },
  ) {
    const totals = { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, numPendingTests, numTodoTests };
    fs.writeFileSync(process.env.UNISSON_JEST_RESULTS, JSON.stringify(totals));
  }
}
