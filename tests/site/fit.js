// In a page: what is wider than the window.
() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width + 1) { return []; }
  const scrolls = element => {
    for (let each = element.parentElement; each && each !== document.body; each = each.parentElement) {
      if (/(auto|scroll|hidden|clip)/.test(getComputedStyle(each).overflowX)) { return true; }
    }
    return false;
  };
  const wide = [...document.body.querySelectorAll('*')]
    .filter(each => each.checkVisibility() && each.getBoundingClientRect().right > width + 1 && !scrolls(each))
    .map(each => `${each.tagName.toLowerCase()} '${(each.textContent || '').trim().slice(0, 50)}' by ${Math.round(each.getBoundingClientRect().right - width)} pixels`);
  return [`overflow: the page is ${document.documentElement.scrollWidth} wide, the window ${width}: ${wide.slice(-2).join('; ')}`];
}
