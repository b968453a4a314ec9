// What stays of one text in the next: its cells glide to where they are now.

const MOST = 256; // names on an axis whose movement an eye can follow, and that are quickly compared

/** For each of `now` where it stood `before`, by the longest common subsequence; -1 where it is new. */
export function cameFrom(before, now) {
  const found = Array(now.length).fill(-1);
  if (Math.max(before.length, now.length) > MOST) return found;
  const common = Array.from({ length: before.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = now.length - 1; j >= 0; j--)
      common[i][j] = before[i] === now[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
  for (let i = 0, j = 0; i < before.length && j < now.length;) {
    if (before[i] === now[j]) found[j++] = i++;
    else if (common[i + 1][j] >= common[i][j + 1]) i++;
    else j++;
  }
  return found;
}

/** How far something has come after a share of its time: fast at first, slow at last. */
export function eased(share) {
  return 1 - (1 - Math.min(1, Math.max(0, share))) ** 3;
}
