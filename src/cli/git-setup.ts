/** The lines that make git show profiles with sysieve, for the help of both commands. */

export const SETUP = `
Set-up, once for a repository:
  in .gitattributes:  *.seccomp.json diff=sysieve
  git config diff.sysieve.command 'sysieve git-diff-driver'  # git diff
  git config diff.sysieve.textconv 'sysieve git-textconv'    # git log -p, git show
With both, git diff says what a change means, and git diff --no-ext-diff, git show
and git log -p show it as lines, one for each call and rule.
`;
