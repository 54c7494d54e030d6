/** The comment on a pull request: one, found again by its mark, written anew at every run. */
const { createHash } = require('node:crypto');

const PAGE = 100;
/** GitHub takes so many characters in the body of a comment. */
const COMMENT_LIMIT = 65_536;
const TIMEOUT_MS = 30_000;

/** The API refused for want of a right; the step goes on without a comment. */
class Forbidden extends Error {}

/** Asks the API; `token` goes into this header and nowhere else. */
async function ask({ api, token }, method, path, body) {
  const response = await fetch(`${api}${path}`, {
    method,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'user-agent': 'sysieve',
      'x-github-api-version': '2022-11-28',
    },
    // An answer elsewhere would be given the token.
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.ok) return response.json();
  await response.body?.cancel();
  const what = `${method} ${path}: status ${response.status}`;
  if ([401, 403, 404].includes(response.status)) throw new Forbidden(what);
  throw new Error(what);
}

/** The mark of the comment of one use of the action; two in a workflow do not write over each other. */
function markOf(parts) {
  const id = createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16);
  return `<!-- sysieve ${id} -->`;
}

/** Whether a comment is the token's own. A workflow's token is an app's, which has no user to ask for. */
async function ownership(github) {
  try {
    const { login } = await ask(github, 'GET', '/user');
    return ({ user }) => user?.login === login;
  } catch (error) {
    if (!(error instanceof Forbidden)) throw error;
    return ({ user }) => user?.type === 'Bot';
  }
}

/** The number of the comment that begins with the mark, or null. */
async function findComment(github, issue, mark) {
  const isOwn = await ownership(github);
  for (let page = 1; ; page += 1) {
    const query = `/repos/${github.repository}/issues/${issue}/comments?per_page=${PAGE}&page=${page}`;
    const comments = await ask(github, 'GET', query);
    // Anyone can write the mark.
    const found = comments.find((one) => one.body?.startsWith(mark) && isOwn(one));
    if (found !== undefined) return found.id;
    if (comments.length < PAGE) return null;
  }
}

/** Writes the comment of a pull request, a new one or over its own of before. */
async function comment(github, issue, mark, text) {
  const body = `${mark}\n${text}`;
  const known = await findComment(github, issue, mark);
  const comments = `/repos/${github.repository}/issues`;
  if (known === null) await ask(github, 'POST', `${comments}/${issue}/comments`, { body });
  else await ask(github, 'PATCH', `${comments}/comments/${known}`, { body });
  return known === null ? 'written' : 'updated';
}

module.exports = { COMMENT_LIMIT, Forbidden, comment, markOf };
