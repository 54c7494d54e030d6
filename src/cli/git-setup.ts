/** The lines that make git show profiles with sysieve, for the help of both commands. */
export const SETUP = `
Set-up, once for a repository:
  .gitattributes:   *.seccomp.json diff=sysieve
  git config diff.sysieve.command 'sysieve git-diff-driver'   for git diff
  git config diff.sysieve.textconv 'sysieve git-textconv'     for git log -p, git show
What git diff shows is sysieve diff then; git diff --no-ext-diff shows the lines of textconv.
`;
