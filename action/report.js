/** The report of all profiles as Markdown. What profiles say comes escaped from sysieve. */

/** Text as code in a line: whatever it holds, it stays that. */
function code(text) {
  const flat = text.replace(/[\u0000-\u001f\u007f\u2028\u2029]/g, '\ufffd');
  const fence = '`'.repeat(longestRun(flat) + 1);
  return `${fence} ${flat} ${fence}`;
}

function longestRun(text) {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}

/** Text of several lines as a block of code. */
function block(text) {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}text\n${text.trimEnd()}\n${fence}`;
}

/**
 * A title and sections, in at most `limit` bytes (and so characters). A section that does not fit is
 * its head alone; heads that do not fit either are counted.
 */
function report(title, sections, limit) {
  const left = (text) => limit - 256 - Buffer.byteLength(text);
  let text = `### ${title}\n`;
  let dropped = 0;
  for (const [index, { head, body }] of sections.entries()) {
    // The heads of those that follow are worth more than a body.
    const reserved = sections
      .slice(index + 1)
      .reduce((sum, one) => sum + Buffer.byteLength(one.head) + 64, 0);
    const whole = `\n${head}\n\n${body}\n`;
    const short = `\n${head} (too long to be shown here: run the command, or see the report)\n`;
    if (Buffer.byteLength(whole) + reserved <= left(text)) text += whole;
    else if (Buffer.byteLength(short) <= left(text)) text += short;
    else dropped += 1;
  }
  return dropped === 0 ? text : `${text}\nand ${dropped} more\n`;
}

module.exports = { block, code, report };
