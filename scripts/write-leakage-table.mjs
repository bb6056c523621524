// Writes the README's table of what tasks reveal from the statements in the code, which must be built.
import { readFileSync, writeFileSync } from 'node:fs';
import { leakageTable } from '../dist/src/party/tasks/leakage-table.js';

const START = '<!-- leakage: generated -->\n\n';
const readme = readFileSync('README.md', 'utf8');
const [before, after] = readme.split(START);
const rest = after.slice(after.indexOf('<!-- end -->'));
writeFileSync('README.md', `${before}${START}${leakageTable()}\n${rest}`);
